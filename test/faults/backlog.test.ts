import { expect, it } from "vitest";
import { ALL_FAULTS } from "../support/faults/fault-mode.ts";
import { startFaultSystem } from "../support/faults/fault-system.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { createTokenBucket } from "../support/token-bucket.ts";
import { waitFor } from "../support/wait-for.ts";

/* Row 33: everything that has piled up while the provider was away wants to be done at once. */
const WORKERS = 2;
const JOBS = ALL_FAULTS ? 100_000 : 240;
const PER_MINUTE = ALL_FAULTS ? 18_000 : 900;
const PATIENCE_MS = ALL_FAULTS ? 3_600_000 : 180_000;
const WINDOWS_MS = [100, 1000, 5000, 10_000, 60_000];

it(
  `fault 33: a backlog of ${JOBS} jobs after an outage: the provider's limit is not exceeded in any window`,
  async () => {
    const outage = { isOver: false };
    let refused = 0;
    const bucket = createTokenBucket(PER_MINUTE);
    await using openai = await startRecordedServer((call) => {
      if (!outage.isOver) return recordedAnswer("openai/503-overloaded.json");
      if (bucket.waitMs(1, call.at) > 0) {
        refused++;
        return recordedAnswer("openai/429-slow-down-string.json");
      }
      bucket.take(1, call.at);
      return completionAnswer();
    });
    await using redis = await startLocalRedis();
    const settings = {
      // The provider lets a second's worth through at once: the rest of it is left for calls that are late.
      limits: [{ provider: "openai", requestsPerMinute: PER_MINUTE, burstSeconds: 0.1 }],
      breaker: { minCalls: 5, openSeconds: 0.3 },
      retries: { attempts: 10, baseSeconds: 0.05, capSeconds: 0.5 },
    };
    await using system = await startFaultSystem({ redisUrl: redis.url, openai, settings, concurrency: 64 });
    const workers = await Promise.all(Array.from({ length: WORKERS }, async () => await system.startWorker()));
    await system.enqueue(JOBS);
    const hasOpened = (): boolean => workers.some(({ stderr }) => /circuit breaker open/.test(stderr));
    await waitFor(hasOpened, { timeoutMs: PATIENCE_MS });
    await openai.idle();
    outage.isOver = true;
    await system.allEnded(PATIENCE_MS);

    expect(refused, "calls that were refused").toBe(0);
    const arrivals = openai.calls.map(({ at }) => at);
    for (const windowMs of WINDOWS_MS) {
      // What flows in during the window, and the burst that the provider allows.
      const most = (PER_MINUTE / 60_000) * (windowMs + 1000);
      expect(busiestWindow(arrivals, windowMs), `calls within ${windowMs} ms`).toBeLessThanOrEqual(most);
    }
    const accounts = await system.reconcile(PATIENCE_MS);
    expect(accounts).toMatchObject({ broken: [], ended: { succeeded: JOBS } });
    expect(accounts.calls).toBeGreaterThanOrEqual(JOBS);
  },
  PATIENCE_MS,
);

/** Most calls of any stretch of time of that length, beginning anywhere. */
function busiestWindow(arrivals: readonly number[], windowMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b);
  let [most, from] = [0, 0];
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[from] ?? at) >= windowMs) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
