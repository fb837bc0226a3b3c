import { afterAll, beforeAll, expect, it } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { controlKeys } from "../../src/admission/keys.ts";
import { lanePrefix, readLanes } from "../../src/queue/lane.ts";
import { startFaultSystem } from "../support/faults/fault-system.ts";
import { completionAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { startCluster, type LocalCluster } from "../support/redis-cluster.ts";
import { walkTheWholePath } from "../support/whole-path.ts";

const PATIENCE_MS = 90_000;
const ROUNDS = 6;
const JOBS_A_ROUND = 40;

let cluster: LocalCluster;
beforeAll(async () => void (cluster = await startCluster()));
afterAll(async () => await cluster[Symbol.asyncDispose]());

it(
  "everything works on a cluster of three masters",
  async () => await walkTheWholePath({ REDIS_URL: cluster.url }),
  PATIENCE_MS,
);

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
    const load = async (): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const agent of ["ada", "nori"] as const) {
          await system.enqueue(JOBS_A_ROUND, { name: `${agent}-${round}`, agent });
        }
      }
    };
    const move = async (): Promise<number[]> => {
      const moved: number[] = [];
      for (const slot of slots) {
        await openai.seen(openai.calls.length + 10);
        moved.push(await cluster.moveSlot(slot));
      }
      return moved;
    };
    const [, moved] = await Promise.all([load(), move()]);
    expect(Math.min(...moved), `keys in the moved slots: ${moved.join(", ")}`).toBeGreaterThan(0);
    expect(system.accepted).toHaveLength(ROUNDS * JOBS_A_ROUND * 2);
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
