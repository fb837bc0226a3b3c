import { describe, expect, it } from "vitest";
import type { Agent, ChainMember } from "../../../src/agents/agent.ts";
import { callProvider, capTokensOf, intentOf } from "../../../src/generation/attempt.ts";
import { inputBytesOf } from "../../../src/generation/input-bytes.ts";
import type { Step } from "../../../src/generation/decide.ts";
import { succeededResult, unsuccessfulResult } from "../../../src/generation/results.ts";
import type { FinishedText } from "../../../src/job/draft.ts";
import type { GenerationJob } from "../../../src/job/generation-job.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { createPrices } from "../../../src/models/prices.ts";
import { ProviderError, type ProviderErrorFacts } from "../../../src/providers/provider-error.ts";
import type { GenerateRequest, GenerateResponse, Provider } from "../../../src/providers/provider.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";
import { rowOf, START } from "./decide-input.ts";

const JOB: GenerationJob = {
  version: 1,
  id: "row-1",
  agentId: "ada",
  snapshot: "0123456789abcdef0123456789abcdef",
  turn: 0,
  urgency: "bulk",
  enqueuedAt: START,
  deadlineAt: null,
  input: { kind: "tweet", context: {} },
};
const PARAMETERS = {
  temperature: 0.7,
  maxTokens: 280,
  topP: 0.9,
  frequencyPenalty: 0,
  presencePenalty: 0,
  stream: false,
};
const MEMBER: ChainMember = { provider: "openai", model: "m", parameters: PARAMETERS, timeoutMs: 30_000, options: {} };
const AGENT: Agent = { id: "ada", name: "Ada", chain: [MEMBER], prompt: { from: "custom", text: "You are Ada." } };
const MESSAGES = [{ role: "user", content: "x".repeat(84) }] as const;
/** USD per million tokens. */
const PRICE = { provider: "openai", model: "m", inputMtok: 1, outputMtok: 2, tiers: [] };
const RESPONSE: GenerateResponse = {
  text: "Looms!",
  finishReason: "stop",
  rawFinishReason: "stop",
  model: "m-2026",
  usage: { inputTokens: 20, outputTokens: 30, cachedInputTokens: 0, reasoningTokens: 0, estimated: false, raw: null },
  reportedCostMicroUsd: null,
  adjustedParams: [{ parameter: "stop", change: "dropped", why: "not taken" }],
  limits: [],
  requestId: "req_1",
};

const NOTHING_KNOWN = createCatalogue([]);

/** A clock that moves 1.5 s whenever somebody looks at it. */
function deps(prices: readonly (typeof PRICE)[] = [PRICE]): Parameters<typeof callProvider>[1] {
  let elapsedMs = 0;
  return {
    prices: createPrices({ catalogue: NOTHING_KNOWN, overrides: prices }),
    catalogue: NOTHING_KNOWN,
    refused: { of: (provider, model) => (provider === "openai" && model === "m" ? ["seed"] : []) },
    clock: { now: () => START, monotonicMs: () => (elapsedMs += 1500) },
    openTextFeed: () => expect.fail("this member does not stream"),
  };
}

function stepOf(differences: Partial<Step & { do: "call" }> = {}): Step & { do: "call" } {
  return { do: "call", member: 0, request: "generate", omit: [], ...differences };
}

function intent(step = stepOf(), dependencies = deps()): UsageRecord {
  const tokens = { inputTokens: 25, outputTokens: 40 };
  const inputBytes = inputBytesOf(MESSAGES);
  return intentOf(
    {
      job: JOB,
      member: MEMBER,
      step,
      attempt: 2,
      inputBytes,
      capTokens: capTokensOf(MEMBER, step, dependencies),
      tokens,
    },
    dependencies,
  );
}

/** The row of a call that a provider answers with `generate`. */
async function call(
  generate: Provider["generate"],
  dependencies = deps(),
): Promise<Awaited<ReturnType<typeof callProvider>>> {
  const provider: Provider = { id: "openai", generate };
  const input = {
    intent: intent(stepOf(), dependencies),
    member: MEMBER,
    step: stepOf(),
    messages: MESSAGES,
    capTokens: 280,
    provider,
  };
  return await callProvider({ ...input, signal: new AbortController().signal }, dependencies);
}

async function rowAfter(facts: Omit<ProviderErrorFacts, "provider">, dependencies = deps()): Promise<UsageRecord> {
  const error = new ProviderError("why", { ...facts, provider: "openai" });
  return (await call(() => Promise.reject(error), dependencies)).row;
}

describe("an intent", () => {
  it("reads as if the worker died now, at the largest possible cost", () => {
    expect(intent()).toMatchObject({
      attemptId: "row-1.2",
      attempt: 2,
      agentId: "ada",
      kind: "tweet",
      member: 0,
      outcome: "crashed",
      sent: "unknown",
      usage: null,
      possiblyBilled: true,
      startedAt: START,
      // A token for each of 84 + 16 bytes, and the whole cap.
      costMicroUsd: 100 * 1 + 280 * 2,
    });
  });

  it("holds of the budgets what it will probably cost; nothing where the price is not known", () => {
    expect(intent().reservedMicroUsd).toBe(25 * 1 + 40 * 2);
    expect(intent(stepOf(), deps([])).reservedMicroUsd).toBe(0);
  });

  it("of a call with a larger cap may cost more", () => {
    expect(intent(stepOf({ request: "recover" })).costMicroUsd).toBe(100 + 4 * 280 * 2);
  });

  it("has room for the reasoning that nobody may ask to be short, in this job or in earlier ones", () => {
    const catalogue = createCatalogue(PROVIDERS);
    const member = { ...MEMBER, model: "gpt-5.5" };
    const cap = (remembered: string[], omit: string[]): number =>
      capTokensOf(member, stepOf({ omit }), { catalogue, refused: { of: () => remembered } });
    expect(cap([], [])).toBe(280);
    expect(cap(["reasoning_effort"], [])).toBe(280 + 4096);
    expect(cap([], ["reasoning_effort"])).toBe(280 + 4096);
  });

  it("has no cost where the price is not known", () => {
    expect(intent(stepOf(), deps([])).costMicroUsd).toBeNull();
  });
});

describe("a call", () => {
  it("asks for what the step says", async () => {
    let asked: GenerateRequest | undefined;
    const provider: Provider = {
      id: "openai",
      generate: (request) => {
        asked = request;
        return Promise.resolve(RESPONSE);
      },
    };
    const step = stepOf({ request: "recover", omit: ["stop"] });
    const signal = new AbortController().signal;
    const capTokens = capTokensOf(MEMBER, step, deps());
    await callProvider(
      { intent: intent(step), member: MEMBER, step, messages: MESSAGES, capTokens, provider, signal },
      deps(),
    );
    expect(asked).toEqual({
      attemptId: "row-1.2",
      model: "m",
      messages: MESSAGES,
      parameters: PARAMETERS,
      omit: ["seed", "stop"],
      capTokens: 4 * PARAMETERS.maxTokens,
      isRecovery: true,
      timeoutMs: 30_000,
      options: {},
    });
  });

  it.each([
    ["succeeds", () => Promise.resolve(RESPONSE)],
    [
      "fails",
      () => Promise.reject(new ProviderError("why", { kind: "disconnected", provider: "openai", sent: "yes" })),
    ],
  ])("that streams tells its text as it grows, until it %s", async (_, end) => {
    const told: unknown[] = [];
    const openTextFeed: ReturnType<typeof deps>["openTextFeed"] = ({ jobId, attempt, provider, model }) => {
      told.push({ jobId, attempt, provider, model });
      return { onText: (text) => void told.push(text), close: () => void told.push("closed") };
    };
    const provider: Provider = {
      id: "openai",
      generate({ onText }) {
        for (const text of ["Lo", "Looms"]) onText?.(text);
        return end();
      },
    };
    const member = { ...MEMBER, parameters: { ...PARAMETERS, stream: true } };
    const input = { intent: intent(), member, step: stepOf(), messages: MESSAGES, capTokens: 280, provider };
    await callProvider({ ...input, signal: new AbortController().signal }, { ...deps(), openTextFeed });
    expect(told).toEqual([
      { jobId: "row-1", attempt: 2, provider: "openai", model: "m" },
      ...["Lo", "Looms", "closed"],
    ]);
  });

  it("that succeeds has its tokens, its cost and its duration in the row", async () => {
    const { row, response } = await call(() => Promise.resolve(RESPONSE));
    expect(response).toBe(RESPONSE);
    expect(row).toMatchObject({
      outcome: "succeeded",
      sent: "yes",
      usage: RESPONSE.usage,
      costMicroUsd: 20 * 1 + 30 * 2,
      possiblyBilled: false,
      durationMs: 1500,
      requestId: "req_1",
    });
  });

  it("costs what the vendor says, whatever the table says", async () => {
    const { row } = await call(() => Promise.resolve({ ...RESPONSE, reportedCostMicroUsd: 117.65 }));
    expect(row.costMicroUsd).toBe(117.65);
  });

  it.each(["timeout", "disconnected", "invalid-response", "aborted"] as const)(
    "that ends with %s may have been billed, at most as its intent says",
    async (kind) => {
      expect(await rowAfter({ kind, sent: "unknown" })).toMatchObject({
        outcome: kind,
        possiblyBilled: true,
        costMicroUsd: 660,
      });
      expect(await rowAfter({ kind, sent: "no" })).toMatchObject({ possiblyBilled: false, costMicroUsd: 0 });
      expect(await rowAfter({ kind, sent: "unknown" }, deps([]))).toMatchObject({
        possiblyBilled: true,
        costMicroUsd: null,
      });
    },
  );

  it.each(["truncated-empty", "content-filtered", "overloaded", "rate-limited"] as const)(
    "that fails as %s after an answer had begun may have been billed when no usage was told",
    async (kind) => {
      const facts = { kind, sent: "yes", status: 200, hasBegun: true } as const;
      expect(await rowAfter(facts)).toMatchObject({ possiblyBilled: true, costMicroUsd: 660, usage: null });
      expect(await rowAfter({ ...facts, usage: RESPONSE.usage })).toMatchObject({
        possiblyBilled: false,
        costMicroUsd: 80,
      });
    },
  );

  it("that is refused costs nothing, unless the vendor tells its tokens", async () => {
    expect(await rowAfter({ kind: "rate-limited", sent: "yes", status: 429, retryAfterMs: 5000 })).toMatchObject({
      outcome: "rate-limited",
      costMicroUsd: 0,
      possiblyBilled: false,
      status: 429,
      retryAfterMs: 5000,
      message: "why",
    });
    expect(await rowAfter({ kind: "content-filtered", sent: "yes", usage: RESPONSE.usage })).toMatchObject({
      costMicroUsd: 80,
      possiblyBilled: false,
    });
    const unpriced = await rowAfter({ kind: "truncated-empty", sent: "yes", usage: RESPONSE.usage }, deps([]));
    expect(unpriced.costMicroUsd).toBeNull();
  });

  it("ends with a row even when the adapter has a defect, whose message is not shown", async () => {
    const { row, response } = await call(() => Promise.reject(new TypeError("canary")));
    expect(response).toBeNull();
    expect(row).toMatchObject({
      outcome: "invalid-response",
      possiblyBilled: true,
      message: "unexpected TypeError in the provider's adapter",
    });
  });
});

describe("a result", () => {
  const clock = deps().clock;
  const history = (...costs: readonly (number | null)[]): UsageRecord[] =>
    costs.map((costMicroUsd, index) => rowOf({ outcome: "overloaded", costMicroUsd }, index + 1));

  it("has every attempt and what they cost together", () => {
    const rows = [...history(0.1), rowOf({ outcome: "succeeded", costMicroUsd: 0.2, provider: "grok", model: "g" }, 2)];
    const { raw: _raw, ...usage } = RESPONSE.usage;
    const { finishReason, adjustedParams } = RESPONSE;
    const text: FinishedText = {
      ...{ posts: ["Looms!"], changes: [], weightedLength: 6, member: 0, provider: "grok", model: "g" },
      ...{ usage, finishReason, adjustedParams },
    };
    const result = succeededResult(
      { job: JOB, agent: AGENT, history: rows, deps: { clock } },
      { text, similarTo: null },
    );
    expect(result).toMatchObject({
      status: "succeeded",
      id: "row-1",
      agentId: "ada",
      kind: "tweet",
      text: "Looms!",
      provider: "grok",
      model: "g",
      costMicroUsd: 0.3,
      finishedAt: START,
      adjustedParams: RESPONSE.adjustedParams,
      finishing: { changes: [], weightedLength: 6, limit: 280 },
    });
    expect(result.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, "overloaded"],
      [2, "succeeded"],
    ]);
  });

  it("has no cost when the price of one attempt is unknown", () => {
    const run = { job: JOB, agent: AGENT, history: history(1, null), deps: { clock } };
    expect(unsuccessfulResult(run, "failed", "why")).toMatchObject({
      status: "failed",
      reason: "why",
      costMicroUsd: null,
    });
  });

  it("costs nothing when nothing was called", () => {
    const run = { job: JOB, agent: AGENT, history: [], deps: { clock } };
    expect(unsuccessfulResult(run, "expired", "why")).toMatchObject({
      status: "expired",
      attempts: [],
      costMicroUsd: 0,
    });
  });
});
