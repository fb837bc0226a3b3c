import type { BulkProgress } from "../bulk/run-bulk.ts";
import type { ComparisonPlan } from "../compare/plan.ts";
import { holdOf } from "../compare/holds.ts";
import { runComparison } from "../compare/run-comparison.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import { systemClock } from "../platform/clock.ts";
import type { ShutdownSignals } from "../platform/shutdown.ts";
import { holdText } from "./hold-text.ts";
import { progressView } from "./progress.ts";
import { STOPPING } from "./run-worker.ts";
import type { Workplace } from "./workplace.ts";

export interface FollowOptions {
  readonly workplace: Workplace;
  /** The first stops the run, the second aborts calls of its own worker. */
  readonly signals: ShutdownSignals;
  readonly withWorker: boolean;
  /** Show no progress. */
  readonly silent: boolean;
}

/**
 * Runs the comparison with its progress on screen, and a worker beside it if asked for.
 * @returns as `runComparison`
 */
export async function followComparison(
  plan: ComparisonPlan,
  { workplace, signals, withWorker, silent }: FollowOptions,
): Promise<readonly (GenerationResult | null)[]> {
  await using producer = workplace.producer(plan.variants);
  await using operator = workplace.operator();
  await using _worker = withWorker ? await workplace.worker({ quiet: "fatal", force: signals.forced }) : undefined;
  if (!withWorker) await workplace.hintIfNoWorker();
  await workplace.hintIfPaused();
  const view = progressView(plan.texts.length, { silent });
  if (withWorker) signals.requested.addEventListener("abort", () => view.say(STOPPING), { once: true });
  const progress: BulkProgress = {
    ...{ total: plan.texts.length, enqueued: 0, finishedBefore: 0, succeeded: 0, failed: 0, refused: 0 },
    costMicroUsd: 0,
  };
  const { keyPlaces } = workplace.config.providers;
  const keyIds = new Map([...keyPlaces].map(([provider, places]) => [provider, places.map(({ keyId }) => keyId)]));
  try {
    return await runComparison(plan, {
      producer,
      signal: signals.requested,
      async holdsOf(targets) {
        const now = systemClock.now();
        const health = await operator.health(now);
        return targets.map((target) => holdOf(target, { health, keyIds, now }));
      },
      onHold: (target, hold) => view.say(`note: ${holdText(target, hold, systemClock.now())}`),
      onAccepted(finishedBefore) {
        progress.enqueued++;
        if (finishedBefore) progress.finishedBefore++;
        view.update(progress);
      },
      onResult({ status, costMicroUsd }) {
        progress[status === "succeeded" ? "succeeded" : "failed"]++;
        progress.costMicroUsd += costMicroUsd ?? 0;
        view.update(progress);
      },
    });
  } finally {
    view.stop();
    if (progress.finishedBefore > 0)
      console.error(`note: ${progress.finishedBefore} texts were there before, and cost nothing now`);
  }
}
