import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startFaultSystem, type FaultSystem } from "../support/faults/fault-system.ts";
import { callsByJob, outcomesOf, reasonOf, resultsOf, rowsOf } from "../support/faults/read-system.ts";
import { resetInBody } from "../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer, type RecordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis, type LocalRedis } from "../support/redis-server.ts";
import { CHAT_COMPLETIONS } from "../conformance/wires/chat-completions.ts";

/* Rows 23 to 25: answers that are none, or of no use. One system for all, one test after the other. */
const PATIENCE_MS = 180_000;
vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

const [STREAMER, BRIEF] = [{ stream: true }, { max_tokens: 100 }].map((config, index) => ({
  ...{ id: ["streamer", "brief"][index], name: "Nori", llm_provider: "openai", variety: false },
  llm_config: { model: "gpt-6-luna", ...config },
}));

interface Parts {
  readonly redis: LocalRedis;
  readonly openai: RecordedServer;
  readonly grok: RecordedServer;
  readonly system: FaultSystem;
}

let parts: Parts;
let close: () => Promise<void>;
beforeAll(async () => {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startLocalRedis());
  const openai = stack.use(await startRecordedServer());
  const grok = stack.use(await startRecordedServer(completionAnswer({ text: "From Grok.", model: "grok-4.3" })));
  // Nothing but failures would open the breaker.
  const settings = { breaker: { minCalls: 10_000 }, retries: { baseSeconds: 0.05, capSeconds: 0.2 } };
  const agents = [STREAMER, BRIEF];
  const system = stack.use(await startFaultSystem({ redisUrl: redis.url, openai, grok, settings, agents }));
  await system.startWorker();
  parts = { redis, openai, grok, system };
  const owned = stack.move();
  close = async () => await owned.disposeAsync();
});
afterAll(async () => await close());

/** A stream of one job at a time would take its time: all of them run together, each with answers of its own. */
async function runAll(jobs: readonly { readonly name: string; readonly agent?: string }[]): Promise<void> {
  for (const job of jobs) await parts.system.enqueue(1, job);
  await parts.system.allEnded(PATIENCE_MS);
}

/** The first call of a job gets its own answer, the others a good one. */
function firstOf(answers: Readonly<Record<string, Answer>>, then: (call: Call) => RecordedAnswer): Answer {
  const seen = new Set<string>();
  return async (call, response) => {
    const name = /kettles for (\w+)-0/.exec(call.bodyText)?.[1] ?? "";
    const own = seen.has(name) ? undefined : answers[name];
    seen.add(name);
    if (own === undefined) return then(call);
    return typeof own === "function" ? await own(call, response) : own;
  };
}

type Call = Parameters<Exclude<Answer, RecordedAnswer>>[0];

function good({ body }: Call): RecordedAnswer {
  return body?.["stream"] === true ? CHAT_COMPLETIONS.stream() : completionAnswer();
}

const WHOLE = JSON.stringify(completionAnswer().response.body);

it("fault 23: a reset in the body, cut JSON, a stream without its end: tried again, and the attempt may be billed", async () => {
  const { openai, system } = parts;
  const broken = {
    reset: { answer: resetInBody, outcome: "disconnected" },
    cut: { answer: json(WHOLE.slice(0, WHOLE.indexOf("Hello") + 3)), outcome: "invalid-response" },
    endless: { answer: CHAT_COMPLETIONS.stream({ isWhole: false }), outcome: "invalid-response", agent: "streamer" },
  };
  openai.answerWith(firstOf(Object.fromEntries(Object.entries(broken).map(([n, { answer }]) => [n, answer])), good));
  await runAll(Object.entries(broken).map(([name, job]) => ({ name, ...("agent" in job && { agent: job.agent }) })));

  for (const [name, { outcome }] of Object.entries(broken)) {
    expect((await resultsOf(system, name)).map(outcomesOf), name).toEqual([`openai ${outcome}, openai succeeded`]);
    const [first, second] = await rowsOf(system, name);
    expect(first, name).toMatchObject({ outcome, possiblyBilled: true, usage: null });
    // Tokens of the prompt and all that it might have written.
    expect(first?.costMicroUsd, name).toBeGreaterThan(140);
    expect(second, name).toMatchObject({ outcome: "succeeded", possiblyBilled: false });
  }
  expect((await system.reconcile()).broken).toEqual([]);
});

function json(bodyText: string): RecordedAnswer {
  return { response: { status: 200, headers: { "content-type": "application/json" }, bodyText } };
}

it("fault 24: a page in place of an answer, or no choices: invalid, tried again; usage that is missing is estimated and flagged", async () => {
  const { openai, system } = parts;
  const answers = {
    page: recordedAnswer("openai-compatible/200-html-page.json"),
    bare: json(JSON.stringify({ ...(completionAnswer().response.body as object), choices: [] })),
    unmetered: completionAnswer({ usage: null }),
  };
  openai.answerWith(firstOf(answers, good));
  await runAll(Object.keys(answers).map((name) => ({ name })));

  for (const name of ["page", "bare"]) {
    expect((await resultsOf(system, name)).map(outcomesOf)).toEqual(["openai invalid-response, openai succeeded"]);
  }
  expect((await resultsOf(system, "page"))[0]?.attempts[0]?.message).toMatch(/HTML|page/i);
  const [row] = await rowsOf(system, "unmetered");
  expect(row).toMatchObject({ outcome: "succeeded", usage: { estimated: true } });
  expect(row?.usage?.inputTokens).toBeGreaterThan(10);
  expect(row?.costMicroUsd).toBeGreaterThan(0);
  expect(await resultsOf(system, "unmetered")).toMatchObject([{ status: "succeeded", usage: { estimated: true } }]);
  expect((await system.reconcile()).broken).toEqual([]);
});

const REFUSED_TEXTS = {
  sorry: "I'm sorry, but I can't help with that.",
  language: "As an AI language model, I cannot create content that promotes kettles.",
  german: "Es tut mir leid, aber dabei kann ich nicht helfen.",
};

it("fault 25: a refusal is paid for, asked for once, and never becomes a post", async () => {
  const { openai, grok, system } = parts;
  const answers = {
    refusal: recordedAnswer("openai/200-refusal.json"),
    filter: recordedAnswer("openai/200-content-filter.json"),
    policy: recordedAnswer("openai/400-invalid-prompt-usage-policy.json"),
    ...Object.fromEntries(Object.entries(REFUSED_TEXTS).map(([name, text]) => [name, completionAnswer({ text })])),
  };
  const [seen, ofGrok] = [openai.calls.length, grok.calls.length];
  openai.answerWith(firstOf(answers, good));
  await runAll(Object.keys(answers).map((name) => ({ name, agent: "ada" })));

  const names = Object.keys(answers);
  const calls = callsByJob(openai.calls.slice(seen));
  expect(calls, "no blind retry").toEqual(Object.fromEntries(names.map((name) => [`${name}-0`, 1])));
  expect(grok.calls.length, "and nobody else is asked").toBe(ofGrok);
  for (const name of names) {
    expect(await resultsOf(system, name), name).toMatchObject([{ status: "failed" }]);
    const [row] = await rowsOf(system, name);
    expect(row, name).toMatchObject({ outcome: "content-filtered", possiblyBilled: false });
    if (name === "policy") expect(row).toMatchObject({ usage: null, costMicroUsd: 0 });
    else expect(row?.usage?.outputTokens, name).toBeGreaterThan(0);
    if (name !== "policy") expect(row?.costMicroUsd, name).toBeGreaterThan(0);
  }
  expect((await system.reconcile()).broken).toEqual([]);
});

it("fault 25: an answer that was cut by length: its whole sentences, or once more with more room; both are paid for", async () => {
  const { openai, system } = parts;
  const cut = (text: string): RecordedAnswer =>
    completionAnswer({ text, finishReason: "length", usage: { prompt_tokens: 40, completion_tokens: 100 } });
  const answers = { half: cut("Kettles are patient. They sing when they are"), nothing: cut("") };
  openai.answerWith(firstOf(answers, good));
  await runAll(Object.keys(answers).map((name) => ({ name, agent: "brief" })));

  const [half, nothing] = [await resultsOf(system, "half"), await resultsOf(system, "nothing")];
  expect(half.map(outcomesOf)).toEqual(["openai succeeded"]);
  expect(half.map(reasonOf)).toEqual(["Kettles are patient."]);
  expect(nothing.map(outcomesOf)).toEqual(["openai truncated-empty, openai succeeded"]);
  const caps = openai.calls
    .filter(({ bodyText }) => bodyText.includes("kettles for nothing-0"))
    .map(({ body }) => body?.["max_completion_tokens"]);
  expect(caps).toEqual([100, 400]);
  for (const row of [...(await rowsOf(system, "half")), ...(await rowsOf(system, "nothing"))]) {
    expect(row.usage?.inputTokens).toBe(40);
    expect(row.costMicroUsd).toBeGreaterThan(0);
  }
  expect((await system.reconcile()).broken).toEqual([]);
});
