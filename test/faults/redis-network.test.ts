import { setTimeout as sleep } from "node:timers/promises";
import type { RedisClient } from "../../src/platform/redis-client.ts";
import { expect, it } from "vitest";
import { ALL_FAULTS } from "../support/faults/fault-mode.ts";
import { startFaultSystem, tweet, type FaultSystem } from "../support/faults/fault-system.ts";
import { heldAnswers } from "../support/faults/held-answers.ts";
import { timeProgress, timeRecovery } from "../support/faults/recovery.ts";
import { startTcpProxy, type TcpProxy } from "../support/faults/tcp-proxy.ts";
import { completionAnswer, type RecordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";

/* The network between a Redis that is well and those who need it. All tests of this file wait at the same time. */

/** Longer than it takes to notice a silent connection. */
const PARTITION_MS = ALL_FAULTS ? 30_000 : 6_000;
const CONCURRENCY = 4;
const PATIENCE_MS = 90_000;

interface Network {
  readonly openai: RecordedServer;
  readonly system: FaultSystem;
  readonly proxy: TcpProxy;
}

async function openNetwork(stack: AsyncDisposableStack, behind: "worker" | "producer"): Promise<Network> {
  const server = stack.use(await startLocalRedis());
  const openai = stack.use(await startRecordedServer(unhurried));
  const proxy = stack.use(await startTcpProxy({ port: Number(new URL(server.url).port) }));
  const url = `redis://127.0.0.1:${proxy.port}`;
  const proxied = behind === "worker" ? { workerRedisUrl: url } : { producerRedisUrl: url };
  const options = { redisUrl: server.url, openai, concurrency: CONCURRENCY, ...proxied };
  return { openai, proxy, system: stack.use(await startFaultSystem(options)) };
}

/** There is work at any moment. */
async function unhurried(): Promise<RecordedAnswer> {
  await sleep(100);
  return completionAnswer();
}

async function expectAccounted(system: FaultSystem, mostExtra: number): Promise<void> {
  await system.allEnded(PATIENCE_MS);
  const accounts = await system.reconcile();
  expect(accounts).toMatchObject({ broken: [], callsAfterRecord: 0 });
  expect(accounts.extraCalls).toBeLessThanOrEqual(mostExtra);
}

it.concurrent(
  "fault 11: a silent partition between worker and Redis: it goes on by itself",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { system, proxy } = await openNetwork(stack, "worker");
    await system.startWorker();
    await system.enqueue(60);
    await waitFor(async () => (await system.ended()) > 0);
    proxy.partition();
    await sleep(PARTITION_MS);
    await system.enqueue(20, { name: "meanwhile" });
    proxy.heal();
    await timeProgress("fault 11: progress after the partition has healed", system);
    await expectAccounted(system, CONCURRENCY);
  },
  PATIENCE_MS * 2,
);

it.concurrent(
  "fault 11: a silent partition between producer and Redis: it is told at once, and can enqueue again",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { system, proxy } = await openNetwork(stack, "producer");
    await system.enqueue(3, { name: "before" });
    proxy.partition();
    const isUnavailable = { name: "RedisUnavailableError", remedy: expect.stringMatching(/\w/) as string };
    const endMs = performance.now() + PARTITION_MS;
    do await expect(system.producer.enqueue(tweet("before-0"))).rejects.toMatchObject(isUnavailable);
    while (performance.now() < endMs);
    proxy.heal();
    await timeRecovery(
      "fault 11: enqueued after the partition has healed",
      async () => await system.enqueue(1, { name: "after" }).then(Boolean, () => false),
    );
    await system.startWorker();
    await expectAccounted(system, 0);
  },
  PATIENCE_MS * 2,
);

/** Ids of connections that listen to channels. */
async function subscribersOf(redis: RedisClient): Promise<number[]> {
  const list = (await redis.client("LIST")) as string;
  return [...list.matchAll(/^id=(\d+) .* sub=[1-9]/gm)].map(([, id]) => Number(id));
}

it.concurrent(
  "fault 12: half-open connections, and reset ones: a worker at work goes on, an idle one hears of jobs and cancels",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { system, proxy, openai } = await openNetwork(stack, "worker");
    await system.startWorker();
    for (const how of ["silence", "reset"] as const) {
      await system.enqueue(40, { name: `busy-${how}` });
      await waitFor(async () => (await system.ended()) > system.accepted.length - 40);
      proxy[how]();
      await timeProgress(`fault 12: progress after ${how}`, system);
      await system.allEnded(PATIENCE_MS);

      openai.answerWith(heldAnswers().answer);
      const before = Math.max(...(await subscribersOf(system.redis)));
      const called = openai.calls.length;
      proxy[how]();
      const [id = ""] = await system.enqueue(1, { name: `idle-${how}` });
      await timeRecovery(`fault 12: idle, called after ${how}`, () => openai.calls.length > called);
      await timeRecovery("and listens", async () => (await subscribersOf(system.redis)).some((sub) => sub > before));
      expect(await system.producer.cancel(id)).toBe("cancelling");
      expect(await system.producer.result(id, { waitMs: 30_000 })).toMatchObject({ status: "cancelled" });
      openai.answerWith(unhurried);
    }
    await expectAccounted(system, 2 * CONCURRENCY);
  },
  PATIENCE_MS * 2,
);

it.concurrent(
  "fault 13: every answer of Redis comes late: all is done once",
  async () => {
    await using stack = new AsyncDisposableStack();
    const { system, proxy } = await openNetwork(stack, "worker");
    await system.startWorker();
    proxy.setLatency(400);
    await system.enqueue(8);
    await expectAccounted(system, 0);
  },
  PATIENCE_MS * 2,
);
