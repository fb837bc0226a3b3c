import { Redis } from "ioredis";
import { pino } from "pino";
import { expect, it } from "vitest";
import { controlKeys } from "../../../src/admission/keys.ts";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { compileOptions, composeProducer } from "../../../src/compose.ts";
import { composeWorker } from "../../../src/compose-worker.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import type { FollowEvent, PartialText } from "../../../src/job/partial-text.ts";
import { RedisUnavailableError } from "../../../src/platform/redis.ts";
import { succeededRecord } from "../../support/attempts.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { startLocalRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait-for.ts";

const ECHO = {
  id: "echo",
  name: "Echo",
  llm_provider: "fake",
  custom_system_prompt: "You are Echo, a parrot in a lighthouse.",
  llm_config: { stream: true },
};
const TWEET = { id: "a", kind: "tweet", agent: "echo", context: { topic: "fog" } } as const;
/** Long enough for a text to be seen growing on a slow machine. */
const LATENCY_MS = 1500;

async function startSlow(agent: object = ECHO, settings: object = {}): Promise<GenerationSystem> {
  const system = await startSystem({ agents: [agent], settings: { fake: { latencyMs: LATENCY_MS }, ...settings } });
  await system.startWorker();
  return system;
}

async function collect(events: AsyncIterable<FollowEvent>): Promise<FollowEvent[]> {
  const seen: FollowEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

function textsIn(events: readonly FollowEvent[]): PartialText[] {
  return events.flatMap((event) => (event.type === "text" ? [event] : []));
}

/** Each of them is where the one before it goes on. */
function expectGrowing(texts: readonly string[]): void {
  texts.slice(1).forEach((text, index) => expect(text.startsWith(texts[index] ?? "")).toBe(true));
  expect(new Set(texts.map(({ length }) => length)).size).toBeGreaterThan(1);
}

/** How many connections hear the texts of a job. */
async function followersOf({ redis, keys }: GenerationSystem, jobId: string): Promise<unknown> {
  return (await redis.pubsub("NUMSUB", keys.partialChannel(jobId)))[1];
}

it("a text is seen growing, and then its result, which goes on where the last text ended", async () => {
  await using system = await startSlow();
  await system.producer.enqueue(TWEET);
  const events = await collect(system.producer.follow("a"));
  const result = await system.resultOf("a");
  if (result.status !== "succeeded") expect.fail(result.reason);
  expect(events.at(-1)).toEqual({ type: "result", result });
  expect(events.slice(0, -1).map(({ type }) => type)).toEqual(textsIn(events).map(() => "text"));
  expect(textsIn(events)[0]).toEqual({
    ...{ type: "text", attempt: 1, provider: "fake", model: "fake-1" },
    text: expect.any(String) as string,
  });
  expectGrowing([...textsIn(events).map(({ text }) => text), result.text]);
  expect(result.adjustedParams).toEqual([]);
  await waitFor(async () => (await followersOf(system, "a")) === 0);
  await system.expectAccounted();
});

it("two followers of one producer, and one of another, see the same job end; who comes late has the whole text", async () => {
  await using system = await startSlow();
  await system.producer.enqueue(TWEET);
  const first = collect(system.producer.follow("a"));
  const second = system.producer.follow("a")[Symbol.asyncIterator]();
  const early = await second.next();
  const late = collect(system.producerOf([ECHO]).follow("a"));
  const events = await Promise.all([first, late, collect({ [Symbol.asyncIterator]: () => second })]);
  const result = await system.resultOf("a");
  if (result.status !== "succeeded") expect.fail(result.reason);
  for (const seen of events) {
    expect(seen.at(-1)).toEqual({ type: "result", result });
    for (const { text } of textsIn(seen)) expect(result.text.startsWith(text)).toBe(true);
  }
  expect(early.value).toMatchObject({ type: "text" });
  const [earlyText] = textsIn([early.value as FollowEvent]);
  const [lateText] = textsIn(events[1]);
  expect(lateText?.text.length).toBeGreaterThanOrEqual(earlyText?.text.length ?? Infinity);
});

it("a job that fails over starts its text anew, by another model", async () => {
  const llm_config = {
    ...{ model: "fake-1", stream: true, fallback_provider: "fake" },
    fallback_config: { model: "fake-2", stream: true, response_style: "terse" },
  };
  // Of the job c the first attempt is refused half-way, and the second is not.
  await using system = await startSlow(
    { ...ECHO, llm_config },
    {
      retries: { baseSeconds: 0.005, capSeconds: 0.02, failOverOnContentFilter: true },
      fake: { latencyMs: LATENCY_MS, refuseRate: 0.5 },
    },
  );
  await system.producer.enqueue({ ...TWEET, id: "c" });
  const events = await collect(system.producer.follow("c"));
  const result = await system.resultOf("c");
  if (result.status !== "succeeded") expect.fail(result.reason);
  expect(result.attempts.map(({ model, outcome }) => [model, outcome])).toEqual([
    ["fake-1", "content-filtered"],
    ["fake-2", "succeeded"],
  ]);
  const texts = textsIn(events);
  const of = (wanted: number): string[] => texts.filter(({ attempt }) => attempt === wanted).map(({ text }) => text);
  expect(texts.map(({ attempt }) => attempt)).toEqual([...of(1).map(() => 1), ...of(2).map(() => 2)]);
  expect(texts.map(({ attempt, model }) => `${attempt} ${model}`)).toEqual(
    texts.map(({ attempt }) => `${attempt} fake-${attempt}`),
  );
  expectGrowing(of(1));
  for (const text of of(1)) expect(result.text.startsWith(text)).toBe(false);
  expectGrowing([...of(2), result.text]);
});

it("who stops following gets nothing more and leaves nothing behind, and the job goes on", async () => {
  await using system = await startSlow();
  await system.producer.enqueue(TWEET);
  const stop = new AbortController();
  const seen: FollowEvent[] = [];
  for await (const event of system.producer.follow("a", { signal: stop.signal })) {
    seen.push(event);
    stop.abort();
  }
  expect(seen.map(({ type }) => type)).toEqual(["text"]);
  for await (const _ of system.producer.follow("a")) break;
  await waitFor(async () => (await followersOf(system, "a")) === 0);
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded" });
  expect(await collect(system.producer.follow("a", { signal: stop.signal })), "aborted before").toEqual([]);
  expect(await collect(system.producer.follow("a")), "finished before").toMatchObject([{ type: "result" }]);
});

it("an unknown job is waited for, until nobody wants to any more", async () => {
  await using system = await startSlow();
  const stop = new AbortController();
  const nobody = collect(system.producer.follow("b", { signal: stop.signal }));
  const later = collect(system.producer.follow("a"));
  await waitFor(async () => (await followersOf(system, "b")) === 1 && (await followersOf(system, "a")) === 1);
  await system.producer.enqueue(TWEET);
  expect((await later).at(-1)).toMatchObject({ type: "result", result: { status: "succeeded" } });
  stop.abort();
  expect(await nobody).toEqual([]);
});

it("who disposes the producer ends its followers and waits, and later ones find nothing", async () => {
  await using system = await startSystem({ agents: [ECHO] });
  const producer = system.producerOf([ECHO]);
  await producer.enqueue(TWEET);
  const followed = collect(producer.follow("a"));
  const awaited = producer.result("a", { waitMs: Infinity });
  await waitFor(async () => (await followersOf(system, "a")) === 1);
  // This one has not begun to listen.
  const late = collect(producer.follow("b"));
  await producer[Symbol.asyncDispose]();
  expect(await followed).toEqual([]);
  expect(await awaited).toBeNull();
  expect(await late).toEqual([]);
  expect(await collect(producer.follow("a"))).toEqual([]);
  expect(await producer.result("a", { waitMs: Infinity })).toBeNull();
});

it("a job that does not stream has a result only, and publishes nothing", async () => {
  await using system = await startSystem({
    agents: [{ ...ECHO, llm_config: {} }],
    settings: { fake: { latencyMs: 50 } },
  });
  const heard: string[] = [];
  await using listener = {
    redis: system.redis.duplicate(),
    [Symbol.asyncDispose]: async () => listener.redis.disconnect(),
  };
  listener.redis.on("message", (channel: string) => void heard.push(channel));
  await listener.redis.subscribe(system.keys.partialChannel("a"), system.keys.settledChannel);
  await system.startWorker();
  await system.producer.enqueue(TWEET);
  expect(await collect(system.producer.follow("a"))).toMatchObject([
    { type: "result", result: { status: "succeeded" } },
  ]);
  await waitFor(() => heard.length > 0);
  expect(heard).toEqual([system.keys.settledChannel]);
});

it("who takes texts slowly gets the newest only; an older attempt, and what is no text of ours, is left out", async () => {
  await using system = await startSystem();
  const text = { attempt: 2, provider: "fake", model: "fake-1", text: "Fog" };
  const publish = async (jobId: string, ...messages: (object | string)[]): Promise<void> => {
    for (const message of messages)
      await system.redis.publish(
        system.keys.partialChannel(jobId),
        typeof message === "string" ? message : JSON.stringify(message),
      );
  };
  const slow = system.producer.follow("a")[Symbol.asyncIterator]();
  const first = slow.next();
  const marker = system.producer.follow("b")[Symbol.asyncIterator]();
  const heard = marker.next();
  await waitFor(async () => (await followersOf(system, "a")) === 1 && (await followersOf(system, "b")) === 1);
  await publish("a", text);
  expect(await first).toEqual({ done: false, value: { type: "text", ...text } });
  await publish("a", { ...text, text: "Fog," }, { ...text, text: "Fog, again" });
  await publish("a", "no JSON", "null", { text: "no attempt" }, { ...text, attempt: 1, text: "Gulls" });
  // One connection hears both jobs: what was sent before this has been heard before it.
  await publish("b", text);
  await heard;
  expect((await slow.next()).value).toEqual({ type: "text", ...text, text: "Fog, again" });
  await system.redis.hset(system.keys.job("a"), "result", JSON.stringify(succeededRecord("a")));
  await system.redis.publish(system.keys.settledChannel, "a");
  expect([await slow.next(), await slow.next()]).toEqual([
    { done: false, value: { type: "result", result: succeededRecord("a") } },
    { done: true, value: undefined },
  ]);
  await marker.return?.();
});

it("a Redis that refuses the channel spoils no call; who follows is told", async () => {
  await using server = await startLocalRedis();
  const namespace = "narrow";
  const { settledChannel, cancelledChannel, epochsChannel } = controlKeys(namespace);
  const admin = new Redis(server.url);
  const channels = [settledChannel, cancelledChannel, epochsChannel].map((channel) => `&${channel}`);
  await admin.call("ACL", "SETUSER", "narrow", "on", ">pw-of-narrow", "~*", "+@all", "resetchannels", ...channels);
  admin.disconnect();
  const address = { url: server.url.replace("redis://", "redis://narrow:pw-of-narrow@") };
  const loaded = loadConfig({
    environment: { REDIS_URL: address.url },
    directory: import.meta.dirname,
    isTerminal: false,
  });
  const config = { ...loaded, namespace };
  const { agent } = parseAgentObject("agent", ECHO, compileOptions(config));
  await using producer = composeProducer({ config, address, agents: new Map([[agent.id, agent]]) });
  await using _worker = await composeWorker({ config, address, logger: pino({ level: "silent" }) });
  await producer.enqueue(TWEET);
  expect(await producer.result("a", { waitMs: 20_000 })).toMatchObject({ status: "succeeded" });
  const error: unknown = await collect(producer.follow("a")).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RedisUnavailableError);
  expect((error as Error).message).toMatch(
    /^Redis at redis:\/\/\*\*\*@127.* the user in REDIS_URL lacks a right: NOPERM/,
  );
});
