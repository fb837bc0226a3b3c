import { readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisClient } from "../../../src/platform/redis-client.ts";
import type { LocalRedis } from "../redis-server.ts";

/*
 * What is on the disk for sure when the power fails. A killed process loses nothing that it has handed to the kernel, so the
 * append-only file is cut at the last fsync. Redis does not tell when that was; the kernel does: Redis has one thread that
 * does nothing but fsync, and that waits otherwise.
 */

/** The file that is being appended to. */
function appendFile({ folder }: LocalRedis): string {
  const newest = readdirSync(join(folder, "appendonlydir"))
    .filter((name) => name.endsWith(".incr.aof"))
    .sort();
  return join(folder, "appendonlydir", newest.at(-1) ?? "");
}

/** What is on the disk at least. */
export interface Synced {
  readonly bytes: number;
  /** All that was acknowledged before this (monotonic) is in them. */
  readonly atMs: number;
}

export interface FsyncWatch {
  synced(): Synced;
  stop(): Promise<void>;
}

const POLL_MS = 10;

/** `null`: this machine does not tell what the threads of a process do. */
export function watchFsync(server: LocalRedis, redis: RedisClient): FsyncWatch | null {
  const counterFile = fsyncThread(server.pid);
  if (counterFile === null) return null;
  const file = appendFile(server);
  let synced: Synced = { bytes: 0, atMs: 0 };
  /** Seen while the thread waited; on the disk as soon as it has worked once more. */
  let seen = { ...synced, wakeUps: -1 };
  let lastWakeUps = -1;
  const stopping = new AbortController();
  const poll = async (): Promise<void> => {
    const wakeUps = wakeUpsOf(counterFile);
    const atMs = performance.now();
    const now = { bytes: statSync(file).size, atMs, wakeUps };
    const isIdle = (await redis.info("persistence")).includes("aof_pending_bio_fsync:0");
    const isWaiting = isIdle && wakeUps === lastWakeUps && wakeUps === wakeUpsOf(counterFile);
    lastWakeUps = wakeUps;
    if (!isWaiting) return;
    if (seen.wakeUps !== -1 && seen.wakeUps !== wakeUps) synced = seen;
    seen = now;
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await poll();
      await sleep(POLL_MS);
    }
  };
  const running = run();
  return {
    synced: () => synced,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** What the kernel says of Redis' thread for fsync. */
function fsyncThread(pid: number): string | null {
  const tasks = `/proc/${pid}/task`;
  try {
    const thread = readdirSync(tasks).find((id) => readFileSync(join(tasks, id, "comm"), "utf8").startsWith("bio_aof"));
    return thread === undefined ? null : join(tasks, thread, "status");
  } catch {
    return null;
  }
}

/** How often it has gone to sleep by itself. */
function wakeUpsOf(statusFile: string): number {
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(statusFile, "utf8"))?.[1]);
}

/** How long the file is now. */
export function appendedBytes(server: LocalRedis): number {
  return statSync(appendFile(server)).size;
}

/** Ends Redis as a power failure would: what was not on the disk is gone. */
export async function cutPower(server: LocalRedis, syncedBytes: number): Promise<void> {
  await server.stop("SIGKILL");
  truncateSync(appendFile(server), syncedBytes);
}
