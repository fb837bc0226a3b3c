import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { EmbeddedRedisError, startEmbeddedRedis } from "../../../src/platform/embedded-redis.ts";
import { RedisServerMissingError } from "../../../src/platform/redis-server.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait-for.ts";

const USER_PROGRAM = join(import.meta.dirname, "embedded-redis-user.ts");

describe("starting and stopping", () => {
  it("serves a private Redis with an append-only file and without eviction", async () => {
    await using folder = await makeTempFolder();
    await using redis = await startEmbeddedRedis({ dataDirectory: folder.path });
    expect(redis.owned).toBe(true);
    expect(await setting(redis.path, "appendonly")).toBe("yes");
    expect(await setting(redis.path, "maxmemory-policy")).toBe("noeviction");
    expect(await setting(redis.path, "hz")).toBe("100");
    expect(await setting(redis.path, "port")).toBe("0");
    expect(await permissions(dirname(redis.path))).toBe("700");
    expect(await permissions(redis.path)).toBe("700");
  });

  it("keeps the data when it is stopped and started again", async () => {
    await using folder = await makeTempFolder();
    {
      await using redis = await startEmbeddedRedis({ dataDirectory: folder.path });
      await withClient(redis.path, (client) => client.set("kept", "yes"));
    }
    await using redis = await startEmbeddedRedis({ dataDirectory: folder.path });
    expect(await withClient(redis.path, (client) => client.get("kept"))).toBe("yes");
  });

  it("waits on dispose until the server process is gone, and can be disposed of twice", async () => {
    await using folder = await makeTempFolder();
    const redis = await startEmbeddedRedis({ dataDirectory: folder.path });
    const pid = await serverPid(redis.path);
    await redis[Symbol.asyncDispose]();
    expect(isRunning(pid)).toBe(false);
    await redis[Symbol.asyncDispose]();
  });

  it("runs in a session of its own, so that a terminal's Ctrl-C does not reach it", async () => {
    await using folder = await makeTempFolder();
    await using redis = await startEmbeddedRedis({ dataDirectory: folder.path });
    const pid = await serverPid(redis.path);
    const isLeaderOfGroup = () => process.kill(-pid, 0);
    expect(isLeaderOfGroup).not.toThrow();
  });

  it("says when the server died under its user", async () => {
    await using folder = await makeTempFolder();
    const lines: string[] = [];
    await using redis = await startEmbeddedRedis({ dataDirectory: folder.path, log: (line) => lines.push(line) });
    process.kill(await serverPid(redis.path), "SIGKILL");
    await waitFor(() => lines.length > 1, { describe: () => lines.join("\n") });
    expect(lines).toEqual([
      `Embedded Redis in ${folder.path}/redis`,
      `The embedded Redis is gone; see ${folder.path}/redis/redis.log`,
    ]);
  });
});

describe("several users of one data folder", () => {
  it("share one server; the last to leave stops it", async () => {
    await using folder = await makeTempFolder();
    const first = await startEmbeddedRedis({ dataDirectory: folder.path });
    const second = await startEmbeddedRedis({ dataDirectory: folder.path });
    expect(second).toMatchObject({ path: first.path, owned: false });
    const pid = await serverPid(first.path);
    await first[Symbol.asyncDispose]();
    expect(await serverPid(second.path)).toBe(pid);
    await second[Symbol.asyncDispose]();
    await waitFor(() => !isRunning(pid), { describe: "the end of the server" });
  });

  it("end with one server when their processes start at the same moment", async () => {
    await using folder = await makeTempFolder();
    await using users = userProcesses();
    const reports = await Promise.all([1, 2, 3, 4].map(() => users.start(folder.path)));
    expect(reports.filter(({ owned }) => owned)).toHaveLength(1);
    await using redis = await startEmbeddedRedis({ dataDirectory: folder.path });
    const pid = await serverPid(redis.path);
    await users.leave();
    expect(await serverPid(redis.path)).toBe(pid);
    const log = await readFile(join(folder.path, "redis", "redis.log"), "utf8");
    expect(log.match(/ is starting /g)).toHaveLength(1);
  });

  it("take over a server whose users were killed", async () => {
    await using folder = await makeTempFolder();
    await using users = userProcesses();
    const { path } = await users.start(folder.path);
    const pid = await serverPid(path);
    await users.kill();
    expect(isRunning(pid)).toBe(true);
    {
      await using redis = await startEmbeddedRedis({ dataDirectory: folder.path });
      expect(redis.owned).toBe(true);
      expect(await serverPid(redis.path)).toBe(pid);
    }
    await expect(withClient(path, (client) => client.ping())).rejects.toThrow("ENOENT");
  });
});

describe("a data folder", () => {
  it("may have a path that is too long for a socket", async () => {
    await using folder = await makeTempFolder();
    const dataDirectory = join(folder.path, "long".repeat(30));
    await using redis = await startEmbeddedRedis({ dataDirectory });
    expect(Buffer.byteLength(redis.path)).toBeLessThanOrEqual(100);
    expect(await permissions(dirname(redis.path))).toBe("700");
    await using second = await startEmbeddedRedis({ dataDirectory });
    expect(second).toMatchObject({ path: redis.path, owned: false });
    expect(await readdir(join(dataDirectory, "redis"))).toContain("appendonlydir");
    await rm(dirname(redis.path), { recursive: true });
  });

  it("is the same one under a symbolic link", async () => {
    await using folder = await makeTempFolder();
    await mkdir(join(folder.path, "data"));
    await symlink(join(folder.path, "data"), join(folder.path, "link"));
    await using redis = await startEmbeddedRedis({ dataDirectory: join(folder.path, "data") });
    await using second = await startEmbeddedRedis({ dataDirectory: join(folder.path, "link") });
    expect(second).toMatchObject({ path: redis.path, owned: false });
  });

  it("that cannot be used is named with the reason", async () => {
    await using folder = await makeTempFolder();
    const file = join(folder.path, "file");
    await writeFile(file, "");
    const failure = await startEmbeddedRedis({ dataDirectory: file }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddedRedisError);
    expect(String(failure)).toContain(`The folder ${file}/redis cannot be used for a Redis of our own: ENOTDIR`);
  });
});

describe("a failed start", () => {
  it("shows the server's last words, here about a damaged data file", async () => {
    await using folder = await makeTempFolder();
    const appendOnly = join(folder.path, "redis", "appendonlydir");
    await mkdir(appendOnly, { recursive: true });
    await writeFile(join(appendOnly, "appendonly.aof.manifest"), "damaged\n");
    const failure = await startEmbeddedRedis({ dataDirectory: folder.path }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddedRedisError);
    expect(String(failure)).toContain(`The embedded Redis in ${folder.path}/redis does not work: it ended with`);
    expect(String(failure)).toContain(`Last lines of ${folder.path}/redis/redis.log:`);
    expect(String(failure)).toMatch(/manifest/i);
  });

  it("without an installed server says what to run", async () => {
    await using folder = await makeTempFolder();
    const start = startEmbeddedRedis({ dataDirectory: folder.path, serverCommands: ["/nowhere/redis-server"] });
    await expect(start).rejects.toThrow(RedisServerMissingError);
  });
});

async function withClient<T>(path: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ path, lazyConnect: true, retryStrategy: () => null });
  let failure: unknown;
  client.on("error", (error) => (failure = error));
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw failure ?? error;
  } finally {
    if (client.status !== "end") client.disconnect();
  }
}

async function setting(path: string, name: string): Promise<string | undefined> {
  const [, value] = (await withClient<unknown>(path, (client) => client.config("GET", name))) as string[];
  return value;
}

async function serverPid(path: string): Promise<number> {
  const info = await withClient(path, (client) => client.info("server"));
  return Number(/process_id:(\d+)/.exec(info)?.[1]);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function permissions(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

interface UserReport {
  readonly owned: boolean;
  readonly path: string;
}

/** Other processes that use an embedded Redis. */
function userProcesses() {
  const children: ChildProcessByStdio<Writable, Readable, null>[] = [];
  const exitOfAll = () =>
    Promise.all(children.map(async (child) => child.exitCode ?? child.signalCode ?? (await once(child, "exit"))));
  return {
    async start(dataDirectory: string): Promise<UserReport> {
      const child = spawn(process.execPath, [USER_PROGRAM, dataDirectory], { stdio: ["pipe", "pipe", "inherit"] });
      children.push(child);
      const [line] = (await once(createInterface(child.stdout), "line")) as [string];
      return JSON.parse(line) as UserReport;
    },
    async leave() {
      for (const child of children) child.stdin.end();
      await exitOfAll();
    },
    async kill() {
      for (const child of children) child.kill("SIGKILL");
      await exitOfAll();
    },
    async [Symbol.asyncDispose]() {
      await this.kill();
    },
  };
}
