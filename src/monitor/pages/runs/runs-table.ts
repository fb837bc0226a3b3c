import { doneOf, failedOf, isOpen, type BulkRun } from "../../../job/bulk-run.ts";
import { goOnCommand } from "../../../job/run-commands.ts";
import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { duration, integer } from "../../../platform/numbers.ts";
import { button, moment, percent, state, table, type Health } from "../parts.ts";
import { usdColumn } from "../usd-column.ts";
import type { Here } from "../here.ts";

const STATES: Readonly<Record<BulkRun["state"], Health>> = {
  running: "good",
  paused: "warn",
  cancelled: "bad",
  done: "idle",
};

/** Bulk runs: how far they are, and buttons to steer them. */
export function runsTable(runs: readonly BulkRun[], here: Here): Html {
  const { now } = here;
  const cost = usdColumn(runs.map(({ costMicroUsd }) => costMicroUsd));
  return table<BulkRun>({
    caption: "Bulk runs",
    rows: runs,
    empty: "No bulk run in the last 30 days; puppet-engine bulk begins one.",
    columns: [
      {
        head: "Run",
        isLong: true,
        cell: ({ id, input }) => html`${id}${input === null ? NOTHING : html`<small>${input}</small>`}`,
      },
      { head: "State", cell: (run) => stateCell(run) },
      { head: "Progress", cell: progressCell },
      { head: "How they ended", cell: endedCell },
      { head: "Left", isNumber: true, cell: (run) => leftCell(run, now) },
      { head: "Cost", isNumber: true, cell: ({ costMicroUsd, unpriced }) => cost(costMicroUsd, unpriced) },
      { head: "Begun", isNumber: true, cell: ({ createdAt }) => moment(createdAt, now) },
      { head: "", cell: (run) => buttons(run, here) },
    ],
  });
}

/** A run that has failures is not calm, however well it goes on. */
function stateCell(run: BulkRun): Html {
  if (isStopped(run)) return html`${state("warn", "stopped: nobody feeds it")}${whatNext(run)}`;
  const failed = failedOf(run);
  const isAllFailed = failed > 0 && failed === doneOf(run);
  const { state: current } = run;
  const health = isAllFailed ? "bad" : failed > 0 && STATES[current] !== "bad" ? "warn" : STATES[current];
  return state(health, isAllFailed ? `${current}, all failed` : failed > 0 ? `${current}, with failures` : current);
}

/** It runs, and the process that would add its next rows is gone. */
function isStopped({ state: current, isFed }: BulkRun): boolean {
  return current === "running" && !isFed;
}

function whatNext({ input, output, agent }: BulkRun): Html {
  if (input === null || output === null) return html`<small>its jobs are still worked off; nothing is added</small>`;
  return html`<small>go on with <code>${goOnCommand({ input, output, agent })}</code></small>`;
}

function leftCell(run: BulkRun, now: number): string {
  return run.etaAt === null || isStopped(run) ? "" : duration(Math.max(0, run.etaAt - now));
}

function progressCell(run: BulkRun): Html {
  const done = doneOf(run);
  const { id, total } = run;
  if (total === null) return html`${integer(done)}`;
  const share = total === 0 ? 1 : done / total;
  return html`<progress max="1" value="${Math.min(1, share).toFixed(4)}" aria-label="progress of ${id}"></progress>
    <small>${integer(done)} of ${integer(total)}, ${percent(share)}</small>`;
}

/** Results cannot be asked for by run: what failed leads to all that failed. */
function endedCell({ done }: BulkRun): Html {
  const counts = Object.entries(done).map(([status, number], index) => {
    const words = `${integer(number)} ${status}`;
    const isCalm = status === "succeeded" || status === "cancelled";
    const part = isCalm ? html`${words}` : html`<a href="/results?status=${status}">${words}</a>`;
    return index === 0 ? part : html`, ${part}`;
  });
  return html`${counts}`;
}

function buttons(run: BulkRun, { role, from }: Here): Html {
  const { id, state: current, output } = run;
  const failed = failedOf(run);
  const parts = { about: id, fields: { run: id, from } };
  const retry =
    failed === 0 || run.isFed
      ? NOTHING
      : output === null
        ? button(role, { action: "/runs/retry-failed", label: "Retry failed", ...parts })
        : html`<small>to retry what failed: <code>puppet-engine runs retry-failed ${id}</code></small>`;
  return html`<div class="buttons">
    ${current === "running" ? button(role, { action: "/runs/pause", label: "Pause", ...parts }) : NOTHING}
    ${current === "paused" || current === "cancelled" ? button(role, { action: "/runs/resume", label: "Resume", ...parts }) : NOTHING}
    ${!isOpen(run) ? NOTHING : button(role, { action: "/runs/cancel", label: "Cancel", ...parts, isDanger: true, question: `Cancel the run ${id}? Its rows that wait are not written.` })}
    ${retry}
  </div>`;
}
