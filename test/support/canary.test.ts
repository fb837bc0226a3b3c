import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canary, findCanaries, readAllFiles, readWholeRedis } from "./canary.ts";
import { startLocalRedis } from "./redis-server.ts";
import { connectTestRedis } from "./redis.ts";
import { makeTempFolder } from "./temp-folder.ts";

const value = canary('canary/7f3k+"', "&end");
const encoded = (text: string): string => Buffer.from(text).toString("base64");

describe("what was planted is found", () => {
  it.each([
    ["as it is", value],
    ["within JSON", JSON.stringify({ deep: [value] })],
    ["within JSON within JSON", JSON.stringify(JSON.stringify({ value }))],
    ["within a URL", `?key=${encodeURIComponent(value)}`],
    ["within HTML", "&quot;".concat(value.replaceAll("&", "&amp;").replaceAll('"', "&quot;"))],
    ["in base64", encoded(value)],
    ["in base64, behind a user", encoded(`u:${value}`)],
    ["in base64, in the middle", encoded(`user:${value}:more`)],
    ["in base64 of URLs", Buffer.from(value).toString("base64url")],
    ["in hex", Buffer.from(value).toString("hex")],
  ])("%s", (_, planted) => {
    expect(findCanaries(new Map([["here", `before ${planted} after`]]), { value })).not.toEqual([]);
  });

  it("in every type of Redis, and in a key's name", async () => {
    await using server = await startLocalRedis();
    await using redis = await connectTestRedis({}, server.url);
    await Promise.all([
      redis.set("string", value),
      redis.hset("hash", "field", value),
      redis.rpush("list", value),
      redis.sadd("set", value),
      redis.zadd("sorted", 1, value),
      redis.xadd("stream", "*", "field", value),
      redis.set(`name ${value}`, ""),
    ]);
    const found = findCanaries(await readWholeRedis(redis), { value });
    const places = new Set(found.map((line) => /^Redis \w+/.exec(line)?.[0]));
    expect(places).toEqual(
      new Set(["hash", "list", "name", "set", "sorted", "stream", "string"].map((key) => `Redis ${key}`)),
    );
  });

  it("in files", async () => {
    await using folder = await makeTempFolder();
    await writeFile(join(folder.path, "a.bin"), Buffer.concat([Buffer.from([0, 255]), Buffer.from(value)]));
    expect(findCanaries(await readAllFiles(folder.path), { value })[0]).toMatch(/^file a\.bin: value as it is/);
  });
});

it("nothing is found where nothing is", () => {
  expect(findCanaries(new Map([["here", canary("canary/7f3k")]]), { value })).toEqual([]);
});
