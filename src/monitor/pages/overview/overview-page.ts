import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { integer } from "../../../platform/numbers.ts";
import type { Here } from "../here.ts";
import type { Page } from "../page.ts";
import { runsTable } from "../runs/runs-table.ts";
import { groupsTable } from "./groups-table.ts";
import { lanesTable } from "./lanes-table.ts";
import { readOverview, type Overview } from "./read-overview.ts";
import { standing } from "./standing.ts";
import { summary } from "./summary.ts";
import { workersTable } from "./workers-table.ts";

/** Is it running, what does it cost, what is stuck? */
export const overviewPage: Page = {
  path: "/",
  async render({ role, now }, system) {
    const overview = await readOverview(system, now);
    const here = { role, now, from: "/" };
    const main = html`<h1>Overview <small>namespace ${system.namespace}</small></h1>
      ${standing(overview, here)} ${summary(overview, now)}
      <h2>Lanes</h2>
      ${lanesTable(overview, here)}
      <h2>Providers <small>the last 200 calls of an hour</small></h2>
      ${groupsTable(overview, here)} ${openRuns(overview, here)}
      <h2>Workers</h2>
      ${workersTable(overview, now)}`;
    return { title: "Overview", main };
  },
};

/** All of them are on a page of their own. */
const MOST_RUNS = 5;

function openRuns({ runs }: Overview, here: Here): Html | string {
  if (runs.length === 0) return "";
  const all = html`<p class="hint"><a href="/runs">All ${integer(runs.length)} open runs</a></p>`;
  return html`<h2>Bulk runs</h2>
    ${runsTable(runs.slice(0, MOST_RUNS), here)} ${runs.length > MOST_RUNS ? all : NOTHING}`;
}
