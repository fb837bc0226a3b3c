import { controlKeys, type ControlKeys } from "../admission/keys.ts";
import { doneOf, type BulkRun, type RunManifest, type RunState } from "../job/bulk-run.ts";
import type { TerminalStatus } from "../job/generation-result.ts";
import { microUsdOfPico } from "../job/usage-counters.ts";
import type { Clock } from "../platform/clock.ts";
import type { RedisClient } from "../platform/redis-client.ts";

/** A run is forgotten so long after anybody has fed or changed it. */
const FORGOTTEN_AFTER_MS = 30 * 24 * 3600_000;
/** Whoever feeds a run says so every second. */
const SILENT_AFTER_MS = 10_000;
/** A worker may be about to come back to a job that it has ended. */
const FORGOTTEN_RESULT_MS = 60_000;
const MOST_RUNS = 10_000;

/** Bulk runs in Redis. SETTLE counts their records; this reads them and says what shall become of them. */
export interface RunBook {
  /** Notes a run; one that is noted already keeps its counts, and is running again. */
  begin(manifest: RunManifest): Promise<void>;
  /** `null`: there is no such run. */
  read(id: string): Promise<BulkRun | null>;
  /** Newest first. */
  list(): Promise<readonly BulkRun[]>;
  /** @returns the state before; `null`: there is no such run, and nothing was changed */
  setState(id: string, state: RunState): Promise<RunState | null>;
  /** Says that somebody feeds the run. @returns its state; `null`: it is forgotten */
  beat(id: string, cursor: FeedCursor): Promise<RunState | null>;
  /** Nobody feeds the run any more. */
  leave(id: string): Promise<void>;
  cursor(id: string): Promise<FeedCursor>;
  /** The results of these jobs are in the output: Redis need not keep them. */
  forget(jobIds: readonly string[]): Promise<void>;
}

/** How far a run has come without a gap: every row up to here has its line in the output. */
export interface FeedCursor {
  /** Physical line of the last such row, 0: none. */
  readonly line: number;
  /** How many rows there are up to it. */
  readonly rows: number;
}

export function createRunBook(redis: RedisClient, namespace: string, clock: Pick<Clock, "now">): RunBook {
  const keys = controlKeys(namespace);
  return {
    async begin(manifest) {
      const now = clock.now();
      const before = await this.read(manifest.id);
      const { id, input, output, agent, total } = manifest;
      const fields = {
        state: "running",
        manifest: JSON.stringify({ id, input, output, agent, total }),
        fedFrom: now,
        fedDone: before === null ? 0 : doneOf(before),
      };
      await redis
        .multi()
        .hsetnx(keys.run(id), "createdAt", now)
        .hset(keys.run(id), fields)
        .hdel(keys.run(id), "endedAt")
        .pexpire(keys.run(id), FORGOTTEN_AFTER_MS)
        .zadd(keys.runs, "NX", now, id)
        .zremrangebyrank(keys.runs, 0, -MOST_RUNS - 1)
        .exec();
    },
    read: async (id) => runOf(await redis.hgetall(keys.run(id)), clock.now()),
    list: async () => await listRuns(redis, keys, clock),
    async setState(id, state) {
      const before = await redis.hget(keys.run(id), "state");
      if (before === null) return null;
      const ended = state === "done" || state === "cancelled" ? { endedAt: clock.now() } : {};
      await redis.hset(keys.run(id), { state, ...ended });
      await redis.pexpire(keys.run(id), FORGOTTEN_AFTER_MS);
      return before as RunState;
    },
    async beat(id, { line, rows }) {
      const state = await redis.hget(keys.run(id), "state");
      if (state === null) return null;
      await redis
        .multi()
        .hset(keys.run(id), { fedAt: clock.now(), cursorLine: line, cursorRows: rows })
        .pexpire(keys.run(id), FORGOTTEN_AFTER_MS)
        .exec();
      return state as RunState;
    },
    async leave(id) {
      await redis.hdel(keys.run(id), "fedAt");
    },
    async forget(jobIds) {
      const pipeline = redis.pipeline();
      for (const id of jobIds) pipeline.pexpire(keys.job(id), FORGOTTEN_RESULT_MS);
      await pipeline.exec();
    },
    async cursor(id) {
      const [line, rows] = await redis.hmget(keys.run(id), "cursorLine", "cursorRows");
      return { line: Number(line ?? 0), rows: Number(rows ?? 0) };
    },
  };
}

async function listRuns(redis: RedisClient, keys: ControlKeys, clock: Pick<Clock, "now">): Promise<BulkRun[]> {
  const ids = await redis.zrevrange(keys.runs, 0, -1);
  const hashes = await Promise.all(ids.map((id) => redis.hgetall(keys.run(id))));
  const runs = hashes.map((hash) => runOf(hash, clock.now()));
  const forgotten = ids.filter((_, index) => runs[index] === null);
  if (forgotten.length > 0) await redis.zrem(keys.runs, ...forgotten);
  return runs.filter((run) => run !== null);
}

/** So many runs are counted: a count is not worth a long look. */
const COUNTED_RUNS = 1000;

/** How many of the newest runs are in each state. */
export async function countRuns(redis: RedisClient, namespace: string): Promise<ReadonlyMap<RunState, number>> {
  const keys = controlKeys(namespace);
  const ids = await redis.zrevrange(keys.runs, 0, COUNTED_RUNS - 1);
  const states = await Promise.all(ids.map((id) => redis.hget(keys.run(id), "state")));
  const counts = new Map<RunState, number>();
  // `null`: the run is forgotten.
  for (const state of states as (RunState | null)[])
    if (state !== null) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

const DONE = "done:";

function runOf(hash: Readonly<Record<string, string>>, now: number): BulkRun | null {
  const { createdAt, manifest, state = "running", endedAt, fedAt, fedFrom } = hash;
  if (createdAt === undefined || manifest === undefined) return null;
  const counts = Object.entries(hash).filter(([field, count]) => field.startsWith(DONE) && Number(count) > 0);
  const done: BulkRun["done"] = Object.fromEntries(
    counts.map(([field, count]): [TerminalStatus, number] => [
      field.slice(DONE.length) as TerminalStatus,
      Number(count),
    ]),
  );
  const about = JSON.parse(manifest) as RunManifest;
  const isFed = state !== "done" && fedAt !== undefined && now - Number(fedAt) < SILENT_AFTER_MS;
  const run = {
    ...about,
    state: state as RunState,
    createdAt: Number(createdAt),
    endedAt: endedAt === undefined ? null : Number(endedAt),
    done,
    costMicroUsd: microUsdOfPico(BigInt(hash["costPico"] ?? 0)),
    unpriced: Number(hash["unpriced"] ?? 0),
    isFed,
  };
  const rate = { doneBefore: Number(hash["fedDone"] ?? 0), fromAt: Number(fedFrom ?? createdAt), now };
  return { ...run, etaAt: state === "running" ? etaOf(run, rate) : null };
}

function etaOf(
  { total, done }: Pick<BulkRun, "total" | "done">,
  { doneBefore, fromAt, now }: { readonly doneBefore: number; readonly fromAt: number; readonly now: number },
): number | null {
  const finished = doneOf({ done });
  const sinceFed = finished - doneBefore;
  if (total === null || sinceFed <= 0 || now <= fromAt) return null;
  return Math.round(now + ((total - finished) * (now - fromAt)) / sinceFed);
}
