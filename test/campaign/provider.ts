import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../src/providers/fake/seeded-random.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { jobOf } from "../support/faults/fault-system.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../support/recorded-server.ts";

/** Share of calls that fail in a storm. */
const STORM_SHARE = 0.4;
/** Of the mean time of an answer. */
const FASTEST = 0.4;
const SLOWEST = 1.6;
const FAILURES = [
  recordedAnswer("openai/500-server-error.json"),
  recordedAnswer("openai/503-overloaded.json"),
] as const;

/** A provider that keeps a ledger, and has its bad moments. */
export interface StormyProvider extends AsyncDisposable {
  readonly server: RecordedServer;
  setStorm(isStorm: boolean): void;
}

export async function startStormyProvider(seed: string, meanAnswerMs: number): Promise<StormyProvider> {
  const random = seededRandom("provider", seed);
  const weather = { isStorm: false };
  const broken = new Set<string>();
  const answer: Answer = async (call, response) => {
    const [failure, kind, share] = [random.next(), random.next(), random.next()];
    await sleep(meanAnswerMs * (FASTEST + share * (SLOWEST - FASTEST)));
    if (!weather.isStorm || failure >= STORM_SHARE) return completionAnswer();
    const failed = FAILURES[Math.floor(kind * (FAILURES.length + 1))];
    if (failed !== undefined) return failed;
    // Once a job: the second time it fails, because both may have been billed.
    const job = jobOf(call);
    if (broken.has(job)) return FAILURES[0];
    broken.add(job);
    response.socket?.resetAndDestroy();
    return undefined;
  };
  const server = await startRecordedServer(answer);
  return {
    server,
    setStorm: (isStorm) => void (weather.isStorm = isStorm),
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}
