import { RECOVERY } from "../generation/recovery.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { Producer } from "../queue/producer.ts";
import type { Hold } from "./holds.ts";
import type { ComparisonPlan, PlannedText } from "./plan.ts";
import { targetName, type Target } from "./targets.ts";
import { watchHolds } from "./watch-holds.ts";

export interface RunOptions {
  readonly producer: Producer;
  /** Ends the run; what is enqueued stays so. */
  readonly signal: AbortSignal;
  /** What holds each of these up now. */
  readonly holdsOf: (targets: readonly Target[]) => Promise<readonly (Hold | null)[]>;
  /** Default 2000. */
  readonly lookEveryMs?: number;
  readonly onAccepted: (finishedBefore: boolean) => void;
  readonly onResult: (result: GenerationResult) => void;
  /** Told once of each target. */
  readonly onHold: (target: Target, hold: Hold) => void;
}

/**
 * Enqueues every text of the plan and waits for all results. When a target cannot work before a person acts (its key is
 * refused, the model does not exist …), the rest of its texts is cancelled instead of waiting for it: calls under way
 * may go on, and the other targets do.
 * @returns in the order of the plan; `null`: the signal came first
 * @throws JobConflictError one of the ids belongs to another job
 */
export async function runComparison(
  { texts, targets }: Pick<ComparisonPlan, "texts" | "targets">,
  options: RunOptions,
): Promise<readonly (GenerationResult | null)[]> {
  const { producer, signal } = options;
  const old = await enqueueTexts(texts, options);
  const open = new Set(texts);
  const ended = new AbortController();
  const watch = watchHolds(targets, { ...options, open, signal: AbortSignal.any([signal, ended.signal]) });
  const results = texts.map(async (text) => {
    const result = await producer.result(text.id, { waitMs: Infinity, signal });
    open.delete(text);
    if (result === null) return null;
    options.onResult(result);
    const because = old.has(text) ? null : hopelessness(result, targets[text.target]);
    if (because !== null) await watch.giveUp(text.target, because);
    return result;
  });
  try {
    return await Promise.race([Promise.all(results), watch.failed]);
  } finally {
    ended.abort();
    await watch.ended;
  }
}

/** @returns those that an earlier run had finished: what failed then may have been mended since */
async function enqueueTexts(
  texts: readonly PlannedText[],
  { producer, onAccepted }: Pick<RunOptions, "producer" | "onAccepted">,
): Promise<ReadonlySet<PlannedText>> {
  const refusals: Error[] = [];
  const old = new Set<PlannedText>();
  await producer.enqueueMany(
    texts.map(({ input }) => input),
    {
      onOutcome: (index, outcome) => {
        const text = texts[index];
        if (!outcome.accepted) refusals.push(outcome.error);
        else if (text !== undefined) {
          const isOld = outcome.job.status === "already-finished";
          if (isOld) old.add(text);
          onAccepted(isOld);
        }
      },
    },
  );
  const [refusal] = refusals;
  if (refusal !== undefined) throw refusal;
  return old;
}

/** After these everybody leaves the model or the key alone for minutes, because a person has to act. */
function hopelessness({ status, attempts }: GenerationResult, target: Target | undefined): string | null {
  const last = attempts.at(-1)?.outcome;
  if (status !== "failed" || last === undefined || last === "succeeded" || last === "crashed") return null;
  return RECOVERY[last].pauses === null || target === undefined ? null : `${targetName(target)} failed with ${last}`;
}
