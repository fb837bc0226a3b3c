import { loadLuaScript } from "./lua-script.ts";
import type { RedisClient } from "./redis-client.ts";

/** A key in Redis that one process at a time has; when that dies, another has it after the lease's end. */
export interface Lease {
  readonly key: string;
  /** Unlike that of any other process. */
  readonly owner: string;
}

const releaseScript = loadLuaScript(new URL("./scripts/release-lease.lua", import.meta.url));

/** Takes the lease, or makes it last longer. @returns false: another process has it */
export async function takeLease(redis: RedisClient, { key, owner }: Lease, forMs: number): Promise<boolean> {
  if ((await redis.set(key, owner, "PX", forMs, "NX")) === "OK") return true;
  if ((await redis.get(key)) !== owner) return false;
  return (await redis.pexpire(key, forMs)) === 1;
}

/** Others need not wait until it ends. */
export async function releaseLease(redis: RedisClient, { key, owner }: Lease): Promise<void> {
  await releaseScript.run(redis, [key], [owner]);
}
