import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisServer, RedisServerMissingError } from "../../src/platform/redis-server.ts";
import { waitFor } from "./wait-for.ts";
import { freePort } from "./free-port.ts";

/** What every Redis of ours is started with; `save ""` because the append-only file alone keeps the data. */
export const REDIS_SETTINGS = ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", "--hz", "100"];

/** A real Redis on a loopback port, with its data in a temporary folder. */
export interface LocalRedis extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
  /** Where its data are. */
  readonly folder: string;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Ends the process at once (default SIGKILL) and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port, with the same data. */
  start(): Promise<void>;
  /** Sends a signal, e.g. SIGSTOP, without waiting. */
  signal(signal: NodeJS.Signals): void;
}

/**
 * Starts a server of its own for a test that stops, kills or fills it. `settings`: more `--name`, `value` pairs; `env`: more
 * of its environment.
 */
export async function startLocalRedis(
  settings: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<LocalRedis> {
  const server = await findRedisServer();
  if (server === null) throw new RedisServerMissingError();
  const { command, version } = server;
  const folder = await mkdtemp(join(tmpdir(), "test-redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const listen = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  let child: ChildProcess | null = null;

  async function start(): Promise<void> {
    child = spawn(command, [...listen, ...REDIS_SETTINGS, ...settings], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    await waitUntilReady(url, child);
  }
  async function stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
  await start();
  return {
    url,
    version,
    folder,
    get pid() {
      return child?.pid ?? 0;
    },
    start,
    stop,
    signal: (signal) => void child?.kill(signal),
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await waitFor(() => child.exitCode !== null || answers(url), { describe: () => `Redis at ${url}\n${output}` });
  if (child.exitCode !== null) throw new Error(`Redis at ${url} ended with exit code ${child.exitCode}\n${output}`);
}

async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false });
  redis.on("error", () => undefined);
  try {
    await redis.connect();
    return (await redis.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    if (redis.status !== "end") redis.disconnect();
  }
}
