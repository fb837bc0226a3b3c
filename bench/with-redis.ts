import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startEmbeddedRedis } from "../src/platform/embedded-redis.ts";

export interface BenchRedis {
  readonly path: string;
  readonly connection: Redis;
}

/** Runs a benchmark on a Redis of its own, with the append-only file that every worker has. */
export async function withRedis(run: (redis: BenchRedis) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "puppet-engine-bench-"));
  try {
    await using server = await startEmbeddedRedis({ dataDirectory: folder });
    const connection = new Redis({ path: server.path, maxRetriesPerRequest: null });
    try {
      await run({ path: server.path, connection });
    } finally {
      connection.disconnect();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
