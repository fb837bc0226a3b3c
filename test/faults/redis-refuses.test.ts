import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisClient } from "../../src/platform/redis-client.ts";
import { expect, it } from "vitest";
import type { RedisTroubleKind } from "../../src/platform/redis-trouble.ts";
import type { Readiness } from "../../src/monitor/readiness.ts";
import { openMonitor } from "../integration/monitor/open-monitor.ts";
import { ALL_FAULTS } from "../support/faults/fault-mode.ts";
import { FAULT_AGENTS, startFaultSystem, tweet, type FaultSystem } from "../support/faults/fault-system.ts";
import { heldAnswers } from "../support/faults/held-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { startCli, type RunningProgram } from "../support/run-cli.ts";
import { waitFor } from "../support/wait-for.ts";

/*
 * A Redis that answers and takes no writes. Four calls are on their way when it begins; nobody may pay for another one
 * before it ends.
 */

const TROUBLE_MS = ALL_FAULTS ? 30_000 : 4_000;
const CONCURRENCY = 4;

interface Refusal {
  readonly what: string;
  readonly reason: RedisTroubleKind;
  readonly remedy: RegExp;
  /** What is paid for is recorded all the same. */
  readonly takesResults: boolean;
  begin(redis: RedisClient): Promise<void>;
  end(redis: RedisClient): Promise<void>;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: "is full",
    reason: "full",
    remedy: /raise its maxmemory/,
    takesResults: true,
    begin: async (redis) => void (await redis.config("SET", "maxmemory", "1")),
    end: async (redis) => void (await redis.config("SET", "maxmemory", "0")),
  },
  {
    what: "is read-only",
    reason: "read-only",
    remedy: /it is a replica/,
    takesResults: false,
    // Its primary is away: nobody listens on port 1.
    begin: async (redis) => void (await redis.replicaof("127.0.0.1", 1)),
    end: async (redis) => void (await redis.replicaof("NO", "ONE")),
  },
  {
    what: "cannot persist",
    reason: "cannot-persist",
    remedy: /look at its log and at the space on the disk/,
    takesResults: false,
    async begin(redis) {
      // Once a snapshot has failed, one that is to save them refuses writes. A folder stands where it would be.
      await mkdir(join(await snapshotOf(redis), "in-the-way"), { recursive: true });
      await redis.config("SET", "save", "3600 1");
      await redis.bgsave();
      await waitFor(async () => (await redis.info("persistence")).includes("rdb_last_bgsave_status:err"));
    },
    async end(redis) {
      await rm(await snapshotOf(redis), { recursive: true });
      await redis.bgsave();
    },
  },
];

async function snapshotOf(redis: RedisClient): Promise<string> {
  const [, folder = ""] = await redis.config("GET", "dir");
  const [, name = ""] = await redis.config("GET", "dbfilename");
  return join(folder, name);
}

/** Everything that says something about Redis, of a worker's log. */
function troubleLines({ stderr }: RunningProgram): Record<string, unknown>[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ level, msg }) => Number(level) >= 50 && String(msg).includes("Redis"));
}

async function expectTypedErrors(system: FaultSystem, redisUrl: string, refusal: Refusal): Promise<void> {
  const { reason, remedy } = refusal;
  const expected = { name: "RedisUnavailableError", reason, message: expect.stringMatching(remedy) as string };
  await expect(system.producer.enqueue(tweet("late"))).rejects.toMatchObject(expected);

  const agents = join(system.folder, "agents");
  await mkdir(agents, { recursive: true });
  await writeFile(join(agents, "nori.json"), JSON.stringify(FAULT_AGENTS[0]));
  const command = ["enqueue", "tweet", "--agent", "nori", "--topic", "kettles"];
  await using cli = startCli(command, { env: system.env, cwd: system.folder });
  expect(await cli.ended).toMatchObject({ code: 5, stdout: "", stderr: expect.stringMatching(remedy) as string });

  await using monitor = await openMonitor({ ...system, redisUrl, agents: FAULT_AGENTS });
  const { status, headers, text } = await monitor.send("/api/v1/jobs", { method: "POST", body: tweet("late") });
  expect({ status, retryAfter: headers["retry-after"], text }).toEqual({
    status: 503,
    retryAfter: "5",
    text: expect.stringMatching(remedy) as string,
  });
  const ready = await monitor.send("/readyz");
  const { problems } = JSON.parse(ready.text) as Readiness;
  expect({ status: ready.status, problems }).toEqual({
    status: 503,
    problems: expect.arrayContaining([expect.stringMatching(remedy)]) as string[],
  });
}

it.concurrent.each(REFUSALS)(
  "fault 13: Redis $what: producers are told why, workers stop before paying, results are kept, all goes on by itself",
  async (refusal) => {
    await using server = await startLocalRedis();
    await using openai = await startRecordedServer();
    const held = heldAnswers();
    openai.answerWith(held.answer);
    await using system = await startFaultSystem({ redisUrl: server.url, openai, concurrency: CONCURRENCY });
    const worker = await system.startWorker();
    await system.enqueue(20);
    await openai.seen(CONCURRENCY);

    await refusal.begin(system.redis);
    held.release();
    await openai.idle();
    if (refusal.takesResults) await waitFor(async () => (await system.ended()) >= CONCURRENCY);
    await expectTypedErrors(system, server.url, refusal);
    // All that were let through before it began have arrived by now.
    const paid = openai.calls.length;
    await sleep(TROUBLE_MS);
    expect(openai.calls, "nobody has paid for what could not be recorded").toHaveLength(paid);
    if (!refusal.takesResults) expect(await system.ended()).toBe(0);
    const told = troubleLines(worker);
    expect(told.length, JSON.stringify(told)).toBeGreaterThan(0);
    expect(told.length, JSON.stringify(told)).toBeLessThanOrEqual(4);

    await refusal.end(system.redis);
    await worker.waitForOutput(/Redis takes writes again; jobs are taken again/);
    await system.allEnded(60_000);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ callsAfterRecord: 0, broken: [] });
    // Locks cannot be renewed meanwhile: a call that is longer than they last may be made once more.
    expect(accounts.extraCalls).toBeLessThanOrEqual(CONCURRENCY);
  },
  150_000,
);

it.concurrent(
  "fault 13: a worker is stopped while Redis takes no results: it ends, says so, and the job runs again beside its orphan",
  async () => {
    await using server = await startLocalRedis();
    await using openai = await startRecordedServer();
    const held = heldAnswers();
    openai.answerWith(held.answer);
    const settings = { worker: { graceSeconds: 1 } };
    await using system = await startFaultSystem({ redisUrl: server.url, openai, concurrency: 1, settings });
    const worker = await system.startWorker();
    await system.enqueue(1);
    await openai.seen(1);
    await system.redis.replicaof("127.0.0.1", 1);
    held.release();
    await openai.idle();
    worker.signal("SIGTERM");
    expect(await worker.ended).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(/stopped with jobs whose end Redis did not take/) as string,
    });
    await system.redis.replicaof("NO", "ONE");
    await system.startWorker();
    await system.allEnded(60_000);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ calls: 2, orphans: 1, callsAfterRecord: 0, broken: [] });
  },
  150_000,
);
