import { startEmbeddedRedis } from "../../../src/platform/embedded-redis.ts";

/** A program that uses the embedded Redis of the folder in its first argument until its input ends or it is killed. */
await using redis = await startEmbeddedRedis({ dataDirectory: process.argv[2] ?? "" });
process.stdout.write(`${JSON.stringify({ owned: redis.owned, path: redis.path })}\n`);
await new Promise((resolve) => process.stdin.resume().once("end", resolve));
