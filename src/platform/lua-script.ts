import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

export type Argument = string | number | Buffer;

/** A Lua script that is sent by its hash, and whole only to a Redis that does not know it yet. */
export interface LuaScript {
  run(redis: Redis, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
}

/**
 * @param file the script's place, e.g. `new URL("./scripts/admit.lua", import.meta.url)`
 * @param libraries names of files in the folder `lib` beside it, without `.lua`: their local functions stand before the
 * script, in this order, because Redis' scripts cannot load others
 */
export function loadLuaScript(file: URL, libraries: readonly string[] = []): LuaScript {
  const files = [...libraries.map((name) => new URL(`./lib/${name}.lua`, file)), file];
  const source = files.map((part) => readFileSync(part, "utf8")).join("\n");
  const sha = createHash("sha1").update(source).digest("hex");
  return {
    async run(redis, keys, args) {
      try {
        return await redis.evalsha(sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        return await redis.eval(source, keys.length, ...keys, ...args);
      }
    },
  };
}
