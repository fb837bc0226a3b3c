import { describe, expect, it } from "vitest";
import { controlKeys } from "../../../src/admission/keys.ts";
import { openRefusedParameters } from "../../../src/storage/refused-parameters.ts";
import { connectTestRedis, testNamespace } from "../../support/redis.ts";
import { waitFor } from "../../support/wait-for.ts";

const DAY_MS = 24 * 3600_000;
const START = Date.UTC(2026, 10, 26);

async function openMemory() {
  const redis = await connectTestRedis();
  const namespace = testNamespace();
  let now = START;
  const clock = { now: () => now };
  return {
    redis,
    key: controlKeys(namespace).refusedParameters,
    /** What a worker that starts now knows. */
    open: async () => await openRefusedParameters(redis, namespace, clock),
    later: (ms: number) => (now += ms),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

describe("what a model has refused", () => {
  it("is known to this worker at once, and to those that start later", async () => {
    await using memory = await openMemory();
    const refused = await memory.open();
    refused.learn("openai", "m", "top_p");
    refused.learn("openai", "m", "stream_options.include_usage");
    expect(refused.of("openai", "m")).toEqual(["top_p", "stream_options.include_usage"]);
    expect(refused.of("openai", "other")).toEqual([]);
    await waitFor(async () => (await memory.redis.zcard(memory.key)) === 2);
    expect([...(await memory.open()).of("openai", "m")].sort()).toEqual(["stream_options.include_usage", "top_p"]);
  });

  it("is forgotten after seven days, by workers that run as well, and learned anew", async () => {
    await using memory = await openMemory();
    const refused = await memory.open();
    refused.learn("openai", "m", "top_p");
    await waitFor(async () => (await memory.redis.zcard(memory.key)) === 1);
    memory.later(5 * DAY_MS);
    const started = await memory.open();
    expect(started.of("openai", "m")).toEqual(["top_p"]);
    memory.later(2 * DAY_MS);
    expect(refused.of("openai", "m")).toEqual([]);
    expect(started.of("openai", "m"), "as old as it is, not as this worker").toEqual([]);
    refused.learn("openai", "m", "top_p");
    expect(refused.of("openai", "m")).toEqual(["top_p"]);
    await waitFor(async () => (await memory.open()).of("openai", "m").length === 1);
  });

  it("is not remembered from a clock that is ahead for longer", async () => {
    await using memory = await openMemory();
    await memory.redis.zadd(memory.key, START + 100 * DAY_MS, "top_p openai/m");
    const refused = await memory.open();
    expect(refused.of("openai", "m")).toEqual(["top_p"]);
    memory.later(7 * DAY_MS);
    expect(refused.of("openai", "m")).toEqual([]);
  });

  it("is at most twenty names per model, in Redis too", async () => {
    await using memory = await openMemory();
    const refused = await memory.open();
    for (let index = 0; index < 50; index += 1) refused.learn("local", "m", `p${index}`);
    refused.learn("local", "last", "p");
    await waitFor(async () => (await memory.redis.zscore(memory.key, "p local/last")) !== null);
    expect(refused.of("local", "m")).toHaveLength(20);
    expect(await memory.redis.zcard(memory.key)).toBe(21);
  });

  it("has room for other models once those that it knew are forgotten", async () => {
    await using memory = await openMemory();
    const refused = await memory.open();
    for (let index = 0; index < 1000; index += 1) refused.learn("local", `m-${index}`, "top_p");
    refused.learn("local", "one-more", "top_p");
    expect(refused.of("local", "one-more")).toEqual([]);
    memory.later(8 * DAY_MS);
    refused.learn("local", "one-more", "top_p");
    expect(refused.of("local", "one-more")).toEqual(["top_p"]);
  });

  it.each(["reasoning effort", "", "a".repeat(65), "top_p\nx", "messages[0].content", "<b>"])(
    "is no %j, which is no parameter's name",
    async (name) => {
      await using memory = await openMemory();
      const refused = await memory.open();
      refused.learn("openai", "m", name);
      refused.learn("openai", "m", "top_p");
      expect(refused.of("openai", "m")).toEqual(["top_p"]);
      await waitFor(async () => (await memory.redis.zcard(memory.key)) > 0);
      expect(await memory.redis.zrange(memory.key, 0, "-1")).toEqual(["top_p openai/m"]);
    },
  );

  it("is read without what is no entry", async () => {
    await using memory = await openMemory();
    for (const member of ["reasoning effort openai/m", "nothing", "top_p openai/m"]) {
      await memory.redis.zadd(memory.key, START, member);
    }
    const refused = await memory.open();
    expect(refused.of("openai", "m")).toEqual(["top_p"]);
    expect(refused.of("effort openai", "m")).toEqual([]);
  });
});
