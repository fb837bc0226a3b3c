import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisClient } from "./redis-client.ts";

export type Argument = string | number | Buffer;

/** A Lua script that is sent by its hash, and whole only to a Redis that does not know it yet. */
export interface LuaScript {
  /** @param keys with the same hash tag */
  run(redis: RedisClient, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
}

/**
 * @param file the script's place, e.g. `new URL("./scripts/admit.lua", import.meta.url)`
 * @param libraries names of files in the folder `lib` beside it, without `.lua`: their local functions stand before the
 * script, in this order, because Redis' scripts cannot load others
 */
export function loadLuaScript(file: URL, libraries: readonly string[] = []): LuaScript {
  const files = [...libraries.map((name) => new URL(`./lib/${name}.lua`, file)), file];
  const source = files.map((part) => readFileSync(part, "utf8")).join("\n");
  const plain = sending(source);
  const guarded = sending(`table.remove(KEYS) ${source}`);
  return {
    run: async (redis, keys, args) =>
      redis.isCluster ? await guarded(redis, [...keys, guardOf(keys)], args) : await plain(redis, keys, args),
  };
}

/**
 * A key that never exists. While their slot moves to another node, a cluster runs scripts whose keys are all there, and
 * ends them halfway at the first key that is not. With this one among them it refuses them whole until the slot has
 * moved.
 */
function guardOf(keys: readonly string[]): string {
  const [first = ""] = keys;
  return `${first.slice(0, first.indexOf("}") + 1)}:never`;
}

function sending(source: string): LuaScript["run"] {
  const sha = createHash("sha1").update(source).digest("hex");
  return async (redis, keys, args) => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return await redis.eval(source, keys.length, ...keys, ...args);
    }
  };
}
