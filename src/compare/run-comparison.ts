import { RECOVERY } from "../generation/recovery.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { Producer } from "../queue/producer.ts";
import type { ComparisonPlan, PlannedText } from "./plan.ts";

export interface RunOptions {
  readonly producer: Producer;
  /** Ends the run; what is enqueued stays so. */
  readonly signal: AbortSignal;
  readonly onAccepted: (finishedBefore: boolean) => void;
  readonly onResult: (result: GenerationResult) => void;
}

/**
 * Enqueues every text of the plan and waits for all results. When a target has failed in a way that no other call can
 * mend (its key is refused, the model does not exist …), the rest of its texts is cancelled instead of waiting for it.
 * @returns in the order of the plan; `null`: the signal came first
 * @throws JobConflictError one of the ids belongs to another job
 */
export async function runComparison(
  { texts }: ComparisonPlan,
  options: RunOptions,
): Promise<readonly (GenerationResult | null)[]> {
  const refusals: Error[] = [];
  /** Finished by an earlier run: what failed then may have been mended since. */
  const old = new Set<PlannedText>();
  await options.producer.enqueueMany(
    texts.map(({ input }) => input),
    {
      onOutcome: (index, outcome) => {
        const text = texts[index];
        if (!outcome.accepted) refusals.push(outcome.error);
        else if (text !== undefined) {
          const isOld = outcome.job.status === "already-finished";
          if (isOld) old.add(text);
          options.onAccepted(isOld);
        }
      },
    },
  );
  const [refusal] = refusals;
  if (refusal !== undefined) throw refusal;
  const open = new Set(texts);
  const hopeless = new Set<number>();
  return await Promise.all(
    texts.map(async (text) => {
      const result = await options.producer.result(text.id, { waitMs: Infinity, signal: options.signal });
      open.delete(text);
      if (result === null) return null;
      options.onResult(result);
      if (isHopeless(result) && !old.has(text) && !hopeless.has(text.target)) {
        hopeless.add(text.target);
        await cancelAll(
          [...open].filter(({ target }) => target === text.target),
          options.producer,
        );
      }
      return result;
    }),
  );
}

/** After these everybody leaves the model or the key alone for minutes, because a person has to act. */
function isHopeless({ status, attempts }: GenerationResult): boolean {
  const last = attempts.at(-1)?.outcome;
  if (status !== "failed" || last === undefined || last === "succeeded" || last === "crashed") return false;
  return RECOVERY[last].pauses !== null;
}

async function cancelAll(texts: readonly PlannedText[], producer: Producer): Promise<void> {
  await Promise.all(texts.map(({ id }) => producer.cancel(id)));
}
