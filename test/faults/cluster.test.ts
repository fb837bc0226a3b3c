import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { controlKeys } from "../../src/admission/keys.ts";
import { loadLuaScript } from "../../src/platform/lua-script.ts";
import { connectRedis, RedisUnavailableError } from "../../src/platform/redis.ts";
import { lanePrefix, readLanes } from "../../src/queue/lane.ts";
import { startFaultSystem } from "../support/faults/fault-system.ts";
import { completionAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { startCluster, type LocalCluster } from "../support/redis-cluster.ts";
import { makeRedisUser, type RedisUser } from "../support/redis-user.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait-for.ts";
import { walkTheWholePath } from "../support/whole-path.ts";

const PATIENCE_MS = 90_000;
const JOBS_A_ROUND = 20;

let user: RedisUser;
let cluster: LocalCluster;
beforeAll(async () => {
  user = await makeRedisUser();
  cluster = await startCluster(user.settings);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await user[Symbol.asyncDispose]();
});

it(
  "everything works on a cluster of three masters, for the shipped user as well",
  async () => {
    const [url, purgeUrl] = [user.login, user.purgeLogin].map((login) => cluster.url.replace("//", `//${login}@`));
    await walkTheWholePath({ REDIS_URL: url ?? "", PUPPET_ENGINE_NAMESPACE: user.namespace }, purgeUrl);
    for (const node of cluster.nodes) expect(await node.call("ACL", "LOG")).toEqual([]);
  },
  PATIENCE_MS,
);

it("fault 16: a script whose slot is moving is refused whole, not ended halfway, and runs once when it has moved", async () => {
  await using folder = await makeTempFolder();
  const file = join(folder.path, "two-keys.lua");
  // As scripts of ours do, it names a key that only it knows.
  await writeFile(file, "redis.call('INCR', KEYS[1])\nreturn redis.call('GET', KEYS[1] .. ':other') or 'nothing'");
  const script = loadLuaScript(pathToFileURL(file));
  const redis = connectRedis({ url: cluster.url }, "control");
  const key = "{moving}:count";
  try {
    await redis.set(key, "0");
    let running = Promise.resolve<unknown>(undefined);
    const isRefused = async (): Promise<boolean> =>
      (await Promise.all(cluster.nodes.map(async (node) => await node.info("errorstats")))).join().includes("TRYAGAIN");
    await cluster.moveSlot(await cluster.slotOf(key), async () => {
      for (const node of cluster.nodes) await node.config("RESETSTAT");
      running = script.run(redis, [key], []);
      await Promise.race([running, waitFor(isRefused, { describe: () => "the script is refused" })]);
    });
    expect(await running).toBe("nothing");
    expect(await redis.get(key)).toBe("1");
  } finally {
    redis.disconnect();
  }
});

it(
  "fault 16: the slots of the books and of both lanes move while jobs run: 0 lost, 0 extra",
  async () => {
    await using openai = await startRecordedServer(async () => {
      await sleep(30);
      return completionAnswer();
    });
    await using system = await startFaultSystem({ redisUrl: cluster.url, openai, concurrency: 16 });
    await Promise.all([system.startWorker(), system.startWorker()]);
    const lanes = (await readLanes(system.redis, system.namespace)).filter(({ name }) => name !== "quarantine");
    const keys = [
      controlKeys(system.namespace).lanes,
      ...lanes.map(({ name }) => `${lanePrefix(system.namespace, name)}:${name}:meta`),
    ];
    const slots = await Promise.all(keys.map(async (key) => await cluster.slotOf(key)));
    expect(new Set(slots).size).toBe(3);
    const moved: number[] = [];
    const load = async (): Promise<void> => {
      for (let round = 0; moved.length < slots.length; round++) {
        for (const agent of ["ada", "nori"] as const) {
          await untilEnqueued(async () => await system.enqueue(JOBS_A_ROUND, { name: `${agent}-${round}`, agent }));
        }
        await openai.seen(system.accepted.length / 2);
      }
    };
    const move = async (): Promise<void> => {
      for (const slot of slots) {
        await openai.seen(openai.calls.length + JOBS_A_ROUND);
        moved.push(await cluster.moveSlot(slot));
      }
    };
    await Promise.all([load(), move()]);
    expect(Math.min(...moved), `keys in the moved slots: ${moved.join(", ")}`).toBeGreaterThan(0);
    await system.allEnded(PATIENCE_MS);
    expect(await system.reconcile()).toMatchObject({
      broken: [],
      extraCalls: 0,
      callsAfterRecord: 0,
      orphans: 0,
      ended: { succeeded: system.accepted.length },
    });
  },
  PATIENCE_MS,
);

/** A producer is told when a slot is on its way, and asks again with the same ids. */
async function untilEnqueued(enqueue: () => Promise<unknown>): Promise<void> {
  await waitFor(
    async () => {
      try {
        await enqueue();
        return true;
      } catch (error) {
        if (error instanceof RedisUnavailableError) return false;
        throw error;
      }
    },
    { timeoutMs: 20_000 },
  );
}
