import { isOpen, type BulkRun } from "../../../job/bulk-run.ts";
import { html, type Html } from "../../../platform/html.ts";
import { integer } from "../../../platform/numbers.ts";
import type { Here } from "../here.ts";
import type { Page } from "../page.ts";
import { runsTable } from "./runs-table.ts";
import { schedulesTable } from "./schedules-table.ts";

/** Older ones are told by `puppet-engine runs list`. */
const MOST_RUNS = 100;
/** More that are over are folded up. */
const MOST_ENDED = 10;

/** How far are the bulk runs, and when does who post next? */
export const runsPage: Page = {
  path: "/runs",
  async render({ role, now }, { producer }) {
    const [runs, schedules] = await Promise.all([producer.runs.list(), producer.schedules.list()]);
    const main = html`<h1>Runs and schedules</h1>
      <h2>Bulk runs</h2>
      ${openFirst(runs.slice(0, MOST_RUNS), { role, now, from: "/runs" })}
      <h2>Schedules</h2>
      ${schedulesTable(schedules, now)}`;
    return { title: "Runs and schedules", main };
  },
};

function openFirst(runs: readonly BulkRun[], here: Here): Html {
  const open = runs.filter(isOpen);
  const ended = runs.filter((run) => !isOpen(run));
  if (ended.length <= MOST_ENDED) return runsTable([...open, ...ended], here);
  return html`${open.length === 0 ? html`<p class="empty">No run is open.</p>` : runsTable(open, here)}
    <details>
      <summary>${integer(ended.length)} runs that are over</summary>
      ${runsTable(ended, here)}
    </details>`;
}
