import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openSettableClock, WITHOUT_FAKETIME } from "../support/faults/clock-jump.ts";
import { startFaultSystem } from "../support/faults/fault-system.ts";
import { timeProgress } from "../support/faults/recovery.ts";
import { readBooks } from "../support/read-books.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type Answer } from "../support/recorded-server.ts";
import { startLocalRedis } from "../support/redis-server.ts";

/* The clock of a machine is set while calls are under way. Durations are measured by another one, which never jumps. */

const TEN_MINUTES = 600;
const CONCURRENCY = 4;
const JOBS = 12;
const MOST_ATTEMPTS = 3;
const FAILED = recordedAnswer("openai/500-server-error.json");

/** A call now and then fails, and is retried: not so many that the circuit breaker opens. */
const sometimesFailing: Answer = async ({ index }) => {
  await sleep(300);
  return index < JOBS && index % 4 === 1 ? FAILED : completionAnswer();
};

/** With limits, so that there is a pace that could be lost with the clock. */
const LIMITED = { limits: [{ provider: "openai", requestsPerMinute: 6000 }] };

it.skipIf(WITHOUT_FAKETIME !== "").concurrent.each(["the worker", "Redis"] as const)(
  `fault 17: the clock of %s jumps ten minutes ahead and back: no storm of retries, books and durations are right${WITHOUT_FAKETIME}`,
  async (whose) => {
    await using clock = await openSettableClock();
    const [redisEnv, workerEnv] = whose === "Redis" ? [clock.env, {}] : [{}, clock.env];
    await using server = await startLocalRedis([], redisEnv);
    await using openai = await startRecordedServer(sometimesFailing);
    const options = { redisUrl: server.url, openai, concurrency: CONCURRENCY, settings: LIMITED };
    await using system = await startFaultSystem(options);
    await system.startWorker({ env: workerEnv });
    for (const [turn, ahead] of [TEN_MINUTES, 0].entries()) {
      const calls = openai.calls.length;
      await system.enqueue(JOBS, { name: `turn-${turn}` });
      await openai.seen(calls + 2);
      await clock.set(ahead);
      await timeProgress(`fault 17: progress after the clock of ${whose} is ${ahead} s ahead`, system);
      await system.allEnded(90_000);
    }
    expect(await system.reconcile()).toMatchObject({ broken: [], callsAfterRecord: 0 });
    const { rows } = await readBooks(system.redis, system.namespace);
    expect(rows.map(({ durationMs }) => durationMs).filter((ms) => ms < 0 || ms > 60_000)).toEqual([]);
    const callsOf = Map.groupBy(openai.calls, ({ bodyText }) => /kettles for ([\w-]+)/.exec(bodyText)?.[1]);
    expect([...callsOf.values()].filter(({ length }) => length > MOST_ATTEMPTS)).toEqual([]);
  },
  240_000,
);
