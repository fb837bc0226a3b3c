import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { startLocalRedis, type LocalRedis } from "./redis-server.ts";
import { waitFor } from "./wait-for.ts";

/** Three masters on loopback ports. */
export interface LocalCluster extends AsyncDisposable {
  /** `redis+cluster://…` with two of them. */
  readonly url: string;
  readonly nodes: readonly Redis[];
  slotOf(key: string): Promise<number>;
  /**
   * Moves a slot to the next node, a few keys at a time, so that whoever works meanwhile meets it half moved.
   * @param meanwhile when it is on its way, and all of its keys are still where they were
   * @returns how many keys it had
   */
  moveSlot(slot: number, meanwhile?: () => Promise<void>): Promise<number>;
}

const MASTERS = 3;
const SLOTS = 16_384;

/** @param settings more of each server's */
export async function startCluster(settings: readonly string[] = []): Promise<LocalCluster> {
  await using stack = new AsyncDisposableStack();
  const members = await Promise.all(Array.from({ length: MASTERS }, async () => await startMember(settings)));
  const nodes = members.map(({ server, redis }) => {
    stack.use(server);
    stack.defer(() => redis.disconnect());
    return redis;
  });
  await form(members);
  const [first = "", second = ""] = members.map(({ server }) => new URL(server.url).host);
  const owned = stack.move();
  return {
    url: `redis+cluster://${first},${second}`,
    nodes,
    slotOf: async (key) => await nodeAt(nodes, 0).cluster("KEYSLOT", key),
    moveSlot: async (slot, meanwhile) => await moveSlot(nodes, slot, meanwhile),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

interface Member {
  readonly server: LocalRedis;
  readonly redis: Redis;
  readonly busPort: number;
}

async function startMember(settings: readonly string[]): Promise<Member> {
  // The usual bus port, 10,000 above, may be none.
  const busPort = await freePort();
  const cluster = ["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "2000"];
  const server = await startLocalRedis([...cluster, ...settings]);
  return { server, redis: new Redis(server.url), busPort };
}

async function form(members: readonly Member[]): Promise<void> {
  for (const [index, { redis }] of members.entries()) {
    await redis.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    const from = Math.floor((index * SLOTS) / MASTERS);
    await redis.call("CLUSTER", "ADDSLOTSRANGE", from, Math.floor(((index + 1) * SLOTS) / MASTERS) - 1);
  }
  const [first, ...others] = members;
  for (const { server, busPort } of others) {
    await first?.redis.call("CLUSTER", "MEET", "127.0.0.1", new URL(server.url).port, busPort);
  }
  const isFormed = async ({ redis }: Member): Promise<boolean> => {
    const info = await redis.cluster("INFO");
    return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${MASTERS}`);
  };
  await waitFor(async () => (await Promise.all(members.map(isFormed))).every(Boolean), {
    describe: () => "the cluster is formed",
  });
}

const KEYS_AT_ONCE = 5;
const PAUSE_MS = 20;

async function moveSlot(nodes: readonly Redis[], slot: number, meanwhile?: () => Promise<void>): Promise<number> {
  const ids = await Promise.all(nodes.map(async (node) => (await node.call("CLUSTER", "MYID")) as string));
  const from = ids.indexOf(await ownerOf(nodeAt(nodes, 0), slot));
  const to = (from + 1) % nodes.length;
  const [source, target] = [nodeAt(nodes, from), nodeAt(nodes, to)];
  await target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from] ?? "");
  await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to] ?? "");
  await meanwhile?.();
  let moved = 0;
  for (;;) {
    const keys = (await source.call("CLUSTER", "GETKEYSINSLOT", slot, KEYS_AT_ONCE)) as string[];
    if (keys.length === 0) break;
    await source.call("MIGRATE", "127.0.0.1", target.options.port ?? 0, "", 0, 5000, "KEYS", ...keys);
    moved += keys.length;
    await sleep(PAUSE_MS);
  }
  for (const node of [target, source, ...nodes]) await node.call("CLUSTER", "SETSLOT", slot, "NODE", ids[to] ?? "");
  return moved;
}

async function ownerOf(node: Redis, slot: number): Promise<string> {
  const ranges = (await node.call("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
  return ranges.find(([first, last]) => slot >= first && slot <= last)?.[2][2] ?? "";
}

function nodeAt(nodes: readonly Redis[], index: number): Redis {
  const node = nodes[index];
  if (node === undefined) throw new Error(`there is no node ${index}`);
  return node;
}
