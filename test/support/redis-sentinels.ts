import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisServer } from "../../src/platform/redis-server.ts";
import { freePort } from "./free-port.ts";
import { startLocalRedis, type LocalRedis } from "./redis-server.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

/** A master with a replica, and three sentinels who watch them. */
export interface WatchedRedis extends AsyncDisposable {
  /** `redis+sentinel://…` */
  readonly url: string;
  readonly master: LocalRedis;
  readonly replica: LocalRedis;
  /** Where the sentinels say that the master is. */
  masterPort(): Promise<number>;
}

const SENTINELS = 3;
const MASTER = "mymaster";

export interface WatchedOptions {
  /** How long a master may be silent before it is replaced; default 1,000. */
  readonly downAfterMs?: number;
  /** More for both servers. */
  readonly settings?: readonly string[];
}

export async function startWatchedRedis({
  downAfterMs = 1000,
  settings = [],
}: WatchedOptions = {}): Promise<WatchedRedis> {
  await using stack = new AsyncDisposableStack();
  const master = stack.use(await startLocalRedis([...settings, "--repl-diskless-sync-delay", "0"]));
  const { port } = new URL(master.url);
  const replica = stack.use(await startLocalRedis([...settings, "--replicaof", `127.0.0.1 ${port}`]));
  await waitFor(async () => (await infoOf(replica.url)).includes("master_link_status:up"), {
    describe: () => "the replica has copied its master",
  });
  const ports = await Promise.all(
    Array.from({ length: SENTINELS }, async () => stack.use(await startSentinel(Number(port), downAfterMs)).port),
  );
  const first = stack.adopt(new Redis({ port: ports[0] ?? 0 }), (redis) => redis.disconnect());
  // It may not listen yet.
  first.on("error", () => undefined);
  const knows = async (): Promise<boolean> => {
    const [facts] = (await first.call("SENTINEL", "MASTERS")) as string[][];
    const fact = (name: string): string | undefined => facts?.[facts.indexOf(name) + 1];
    return fact("num-slaves") === "1" && fact("num-other-sentinels") === String(SENTINELS - 1);
  };
  await waitFor(knows, { timeoutMs: 20_000, describe: () => "the sentinels know each other and the replica" });
  const owned = stack.move();
  return {
    ...{ master, replica },
    url: `redis+sentinel://${ports.map((each) => `127.0.0.1:${each}`).join(",")}/${MASTER}`,
    async masterPort() {
      const [, found] = (await first.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)) as string[];
      return Number(found);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function infoOf(url: string): Promise<string> {
  const redis = new Redis(url);
  redis.on("error", () => undefined);
  return await redis.info("replication").finally(() => redis.disconnect());
}

interface Sentinel extends AsyncDisposable {
  readonly port: number;
}

async function startSentinel(masterPort: number, downAfterMs: number): Promise<Sentinel> {
  const folder = await makeTempFolder();
  const port = await freePort();
  const file = join(folder.path, "sentinel.conf");
  const lines = [
    ...[`port ${port}`, "bind 127.0.0.1", `dir ${folder.path}`, `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`],
    ...[`sentinel down-after-milliseconds ${MASTER} ${downAfterMs}`, `sentinel failover-timeout ${MASTER} 5000`],
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  const child = spawn((await findRedisServer())?.command ?? "redis-server", [file, "--sentinel"], { stdio: "ignore" });
  return {
    port,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGKILL")) await exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}
