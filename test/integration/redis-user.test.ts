import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { startLocalRedis } from "../support/redis-server.ts";
import { REDIS_USER_FILE, makeRedisUser } from "../support/redis-user.ts";
import { walkTheWholePath } from "../support/whole-path.ts";

const ROOT = join(import.meta.dirname, "../..");
const [USER_LINE = "", PURGE_LINE = ""] = REDIS_USER_FILE.split("\n").filter((line) => line.startsWith("user "));

/** A server with the user, and a connection of whoever administers it. */
async function startGuardedRedis() {
  await using stack = new AsyncDisposableStack();
  const { namespace, login, purgeLogin, settings } = stack.use(await makeRedisUser());
  const server = stack.use(await startLocalRedis(settings));
  const admin = stack.adopt(new Redis(server.url), (redis) => redis.disconnect());
  const owned = stack.move();
  return {
    ...{ admin, namespace },
    url: server.url.replace("//", `//${login}@`),
    purgeUrl: server.url.replace("//", `//${purgeLogin}@`),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

it("the shipped user can do all that the system does: nothing is denied", async () => {
  await using redis = await startGuardedRedis();
  await walkTheWholePath({ REDIS_URL: redis.url, PUPPET_ENGINE_NAMESPACE: redis.namespace }, redis.purgeUrl);
  expect(await redis.admin.call("ACL", "LOG")).toEqual([]);
}, 90_000);

it("the shipped user can do nothing else", async () => {
  await using redis = await startGuardedRedis();
  await redis.admin.set("foreign", "1");
  await redis.admin.set(`{${redis.namespace}2}:jobs`, "1");
  const user = new Redis(redis.url);
  try {
    const foreign = [
      ["GET", "foreign"],
      ["GET", `{${redis.namespace}2}:jobs`],
      ["DEL", "foreign"],
      ["EVAL", "return redis.call('GET', 'foreign')", "0"],
      ["SUBSCRIBE", "others"],
      ["PUBLISH", "others", "1"],
    ];
    const dangerous = [
      ...[
        ["FLUSHALL"],
        ["FLUSHDB"],
        ["KEYS", "*"],
        ["SCAN", "0"],
        ["CONFIG", "SET", "dir", "/"],
        ["CONFIG", "GET", "*"],
      ],
      ...[
        ["ACL", "LIST"],
        ["CLIENT", "LIST"],
        ["CLIENT", "KILL", "TYPE", "normal"],
        ["MONITOR"],
        ["SHUTDOWN"],
        ["SAVE"],
      ],
      ...[
        ["REPLICAOF", "NO", "ONE"],
        ["SCRIPT", "FLUSH"],
        ["MIGRATE", "h", "1", "k", "0", "1"],
      ],
      ...[
        ["DUMP", `{${redis.namespace}}:lanes`],
        ["EVAL", "return redis.call('KEYS', '*')", "0"],
        ["SWAPDB", "0", "1"],
      ],
    ];
    for (const [command = "", ...args] of [...foreign, ...dangerous]) {
      const answer = user.call(command, ...args).catch((error: unknown) => String(error));
      expect(`${command} ${args.join(" ")}: ${String(await answer)}`).toMatch(
        /NOPERM|No permissions|can't (access|run)/i,
      );
    }
    expect(await redis.admin.get("foreign")).toBe("1");
  } finally {
    user.disconnect();
  }
});

it("its comments name every command of the line, and scripts use no other", async () => {
  const explained = REDIS_USER_FILE.split("\n")
    .filter((line) => line.startsWith("#"))
    .flatMap((line) => commandsIn(line));
  const allowed = commandsIn(USER_LINE);
  expect([...allowed, "+scan"]).toEqual(explained);
  expect(PURGE_LINE).toBe(`${USER_LINE.replace("puppet-engine", "puppet-engine-purge")} +scan`);
  const scripts = (await readdir(join(ROOT, "src"), { recursive: true })).filter((name) => name.endsWith(".lua"));
  const sources = await Promise.all(scripts.map(async (name) => await readFile(join(ROOT, "src", name), "utf8")));
  const used = sources.flatMap((source) =>
    [...source.matchAll(/redis\.call\(\s*'([A-Z]+)'/g)].map(([, name = ""]) => name),
  );
  expect([...new Set(used)].filter((name) => !allowed.includes(`+${name.toLowerCase()}`))).toEqual([]);
});

function commandsIn(line: string): string[] {
  return [...line.matchAll(/\s(\+[a-z|]+)/g)].map(([, name = ""]) => name);
}
