import { expect, it } from "vitest";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { recordedAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { CHAT_COMPLETIONS } from "../../conformance/wires/chat-completions.ts";

/** One agent's chain through every provider that there is, an endpoint of the operator's own included. */

const RETIRED = "openai/404-model-not-found.json";

const ALL = {
  id: "all",
  name: "All",
  custom_system_prompt: "You are All, who never gives up.",
  llm_provider: "openai",
  llm_config: {
    ...{ model: "gpt-6-luna", stream: true, fallback_provider: "anthropic" },
    fallback_config: {
      ...{ model: "claude-haiku-5-5", stream: true, fallback_provider: "gemini" },
      fallback_config: {
        ...{ model: "gemini-3.1-flash-lite", stream: true, fallback_provider: "local" },
        fallback_config: {
          ...{ model: "qwen3:8b", stream: true, fallback_provider: "lab" },
          fallback_config: { model: "ft:own:lab::1", stream: true, fallback_provider: "grok" },
        },
      },
    },
  },
};

interface Servers {
  readonly openai: RecordedServer;
  readonly anthropic: RecordedServer;
  readonly gemini: RecordedServer;
  readonly local: RecordedServer;
  readonly lab: RecordedServer;
  readonly grok: RecordedServer;
}

const NAMES = ["openai", "anthropic", "gemini", "local", "lab", "grok"] as const;

/** Every provider answers with `answer` unless `answers` says otherwise. */
async function startAll(
  stack: AsyncDisposableStack,
  answer: Answer,
  answers: Partial<Record<keyof Servers, Answer>> = {},
): Promise<{ system: GenerationSystem; servers: Servers }> {
  const started = await Promise.all(
    NAMES.map(async (name) => [name, stack.use(await startRecordedServer(answers[name] ?? answer))] as const),
  );
  const servers = Object.fromEntries(started) as unknown as Servers;
  const origin = (name: keyof Servers): string => new URL(servers[name].baseUrl).origin;
  const system = stack.use(
    await startSystem({
      ...{ openai: servers.openai, grok: servers.grok, agents: [ALL] },
      environment: {
        ...{ ANTHROPIC_API_KEY: "sk-ant-test-0123456789", ANTHROPIC_BASE_URL: origin("anthropic") },
        ...{ GEMINI_API_KEY: "AIzaTest0123456789", GEMINI_BASE_URL: `${origin("gemini")}/v1beta` },
        ...{ LOCAL_BASE_URL: servers.local.baseUrl, LAB_KEY: "lab-test-0123456789" },
      },
      settings: {
        limits: NAMES.map((provider) => ({ provider, requestsPerMinute: 1e9 })),
        endpoints: {
          lab: {
            ...{ baseUrl: servers.lab.baseUrl, model: "own", keyVariable: "LAB_KEY" },
            prices: [{ model: "own", inputMtok: 1, outputMtok: 2 }],
          },
        },
      },
    }),
  );
  await system.startWorker();
  return { system, servers };
}

function outcomesOf({ attempts }: GenerationResult): string[] {
  return attempts.map(({ provider, outcome }) => `${provider} ${outcome}`);
}

it("every provider takes the place of the one before it, to the last", async () => {
  await using stack = new AsyncDisposableStack();
  const { system, servers } = await startAll(stack, recordedAnswer(RETIRED), { grok: CHAT_COMPLETIONS.stream() });
  const result = await system.run({ kind: "tweet", agent: "all" });

  expect(outcomesOf(result)).toEqual([
    "openai model-not-found",
    "anthropic model-not-found",
    "gemini model-not-found",
    "local model-not-found",
    "lab model-not-found",
    "grok succeeded",
  ]);
  expect(NAMES.map((name) => servers[name].calls.length)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(servers.anthropic.calls[0]?.url).toBe("/v1/messages");
  expect(servers.gemini.calls[0]?.url).toBe("/v1beta/models/gemini-3.1-flash-lite:streamGenerateContent?alt=sse");
  expect(servers.lab.calls[0]?.headers["authorization"]).toBe("Bearer lab-test-0123456789");
  const rows = await system.expectAccounted();
  expect(rows.map(({ provider, sent }) => `${provider} ${sent}`)).toEqual(NAMES.map((name) => `${name} yes`));
});

const STREAMS: readonly (readonly [keyof Servers, string, string])[] = [
  ["openai", "openai/200-stream-text.json", "The capital of the UK is London."],
  ["anthropic", "anthropic/200-stream-text.json", ""],
  ["gemini", "gemini/200-stream-text.json", ""],
  ["local", "openai-compatible/200-stream-ollama.json", "1  \n2  \n3"],
  ["lab", "openai-compatible/200-stream-vllm.json", "1, 2, 3, 4, 5"],
  ["grok", "grok/200-stream-reasoning.json", "1, 2, 3"],
];

it.each(STREAMS)(
  "%s streams, with the usage of the stream's end, its price, and the text as it grows",
  async (name, file, text) => {
    await using stack = new AsyncDisposableStack();
    const seen = Promise.withResolvers<void>();
    const answer = withoutEndUntil(recordedAnswer(file), seen.promise);
    const { system } = await startAll(stack, recordedAnswer(RETIRED), { [name]: answer });
    const { texts, result } = await follow(system, seen.resolve);

    if (result.status !== "succeeded") expect.fail(JSON.stringify(result));
    expect(result.provider).toBe(name);
    if (text !== "") expect(result.text).toBe(text);
    expect(result.usage).toMatchObject({ estimated: false });
    expect(result.usage.outputTokens).toBeGreaterThan(0);
    expect(texts.length).toBeGreaterThan(0);
    for (const partial of texts) expect(result.text.startsWith(partial)).toBe(true);
    const row = (await system.expectAccounted()).at(-1);
    expect(row).toMatchObject({ outcome: "succeeded", possiblyBilled: false });
    if (name === "local") expect(row?.costMicroUsd).toBe(0);
    else expect(row?.costMicroUsd).toBeGreaterThan(0);
  },
);

it("a reasoning model has room beside the cap of the text, and once more after nothing but reasoning", async () => {
  const empty = recordedAnswer("openai/200-length-empty-text.json");
  await using openai = await startRecordedServer(empty, CHAT_COMPLETIONS.whole());
  const thinker = { id: "t", name: "T", custom_system_prompt: "Think.", llm_config: { model: "gpt-6-astra" } };
  await using system = await startSystem({ openai, agents: [thinker] });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "t" });

  expect(outcomesOf(result)).toEqual(["openai truncated-empty", "openai succeeded"]);
  const caps = openai.calls.map(({ body }) => Number(body?.["max_completion_tokens"]));
  expect(caps).toEqual([280 + 2048, 4 * (280 + 2048)]);
  expect(openai.calls.map(({ body }) => body?.["reasoning_effort"])).toEqual(["low", "low"]);
  const [first] = await system.expectAccounted();
  expect(first).toMatchObject({ outcome: "truncated-empty", possiblyBilled: false });
  expect(first?.costMicroUsd).toBeGreaterThan(0);
});

/** The last event when somebody has seen the first: a text can only be followed while it grows. */
function withoutEndUntil(
  { response: { status, headers, bodyText = "" } }: RecordedAnswer,
  seen: Promise<void>,
): Answer {
  return async (_, response) => {
    response.writeHead(status, headers);
    const events = bodyText.split(/(?<=\r?\n\r?\n)/);
    response.write(events.slice(0, -1).join(""));
    await seen;
    response.end(events.at(-1));
  };
}

interface Followed {
  readonly texts: string[];
  readonly result: GenerationResult;
}

/** Listens before the job is there, so that no text is missed. @param onText told when the first has come */
async function follow({ producer, redis, keys }: GenerationSystem, onText: () => void): Promise<Followed> {
  const events = producer.follow("followed");
  const enqueued = waitFor(async () => (await redis.pubsub("NUMSUB", keys.partialChannel("followed")))[1]).then(() =>
    producer.enqueue({ kind: "tweet", agent: "all", id: "followed" }),
  );
  const texts: string[] = [];
  for await (const event of events) {
    if (event.type === "result") return { texts, result: event.result };
    texts.push(event.text);
    onText();
  }
  await enqueued;
  throw new Error("no result came");
}
