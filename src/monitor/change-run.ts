import type { BulkRun, RunState } from "../job/bulk-run.ts";
import type { RunBook } from "../storage/run-book.ts";

export const RUN_CHANGES = ["pause", "resume", "cancel", "finish"] as const;
export type RunChange = (typeof RUN_CHANGES)[number];

interface Rule {
  readonly to: RunState;
  /** The states that it can be made from. */
  readonly from: readonly RunState[];
  readonly past: string;
}

const RULES: Readonly<Record<RunChange, Rule>> = {
  pause: { to: "paused", from: ["running"], past: "paused" },
  resume: { to: "running", from: ["paused", "cancelled"], past: "resumed" },
  cancel: { to: "cancelled", from: ["running", "paused"], past: "cancelled" },
  finish: { to: "done", from: ["running"], past: "finished" },
};

export type ChangedRun =
  | { readonly answer: "changed" | "unchanged"; readonly run: BulkRun }
  /** It is in a state that this cannot be made from; the page that asked may be old. */
  | { readonly answer: "refused"; readonly why: string }
  | { readonly answer: "unknown" };

/** What operators do to a bulk run, by a button or by the API. */
export async function changeRun(runs: RunBook, id: string, change: RunChange): Promise<ChangedRun> {
  const { to, from, past } = RULES[change];
  const before = await runs.read(id);
  if (before === null) return { answer: "unknown" };
  if (before.state === to) return { answer: "unchanged", run: before };
  if (!from.includes(before.state))
    return { answer: "refused", why: `run ${id} is ${before.state}: it cannot be ${past}` };
  if (change === "finish" && before.output !== null) {
    return {
      answer: "refused",
      why: `run ${id} belongs to \`puppet-engine bulk\`, which says by itself when it is done`,
    };
  }
  // Begun again, so that the end that a cancelled one has is forgotten.
  if (to === "running") await runs.begin(before);
  else await runs.setState(id, to);
  const run = await runs.read(id);
  return run === null ? { answer: "unknown" } : { answer: "changed", run };
}
