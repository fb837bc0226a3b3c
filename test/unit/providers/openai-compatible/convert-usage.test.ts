import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateUsage } from "../../../../src/providers/http/estimate-usage.ts";
import { convertUsage, reportedCostMicroUsd } from "../../../../src/providers/openai-compatible/convert-usage.ts";
import { recordedAnswer } from "../../../support/recorded-answers.ts";

function recordedUsage(file: string): unknown {
  return (recordedAnswer(file).response.body as { usage?: unknown }).usage;
}

describe("convertUsage", () => {
  it("takes OpenAI's reasoning tokens as a part of the completion", () => {
    const raw = recordedUsage("openai/200-reasoning-tokens.json");

    expect(convertUsage(raw, "inside-completion")).toEqual({
      inputTokens: 13,
      outputTokens: 74,
      cachedInputTokens: 0,
      reasoningTokens: 64,
      estimated: false,
      raw,
    });
  });

  it("adds xAI's reasoning tokens to the completion", () => {
    const raw = recordedUsage("grok/200-reasoning-outside-completion.json");

    expect(convertUsage(raw, "beside-completion")).toEqual({
      inputTokens: 12,
      outputTokens: 229,
      cachedInputTokens: 2,
      reasoningTokens: 228,
      estimated: false,
      raw,
    });
  });

  it("believes the vendor's convention where the numbers allow both", () => {
    const raw = { prompt_tokens: 5, completion_tokens: 100, completion_tokens_details: { reasoning_tokens: 50 } };

    expect(convertUsage(raw, "inside-completion")?.outputTokens).toBe(100);
    expect(convertUsage(raw, "beside-completion")?.outputTokens).toBe(150);
  });

  it("keeps what was read from the cache apart from what was written to it", () => {
    const raw = recordedUsage("openai/200-reasoning-and-cached-tokens.json");

    expect(convertUsage(raw, "inside-completion")).toMatchObject({
      inputTokens: 5395,
      cachedInputTokens: 5382,
      cacheWriteInputTokens: 10,
    });
  });

  it("never takes more for read and written together than the prompt has", () => {
    const details = (cached_tokens: number, cache_write_tokens: number) =>
      convertUsage(
        { prompt_tokens: 100, completion_tokens: 1, prompt_tokens_details: { cached_tokens, cache_write_tokens } },
        "inside-completion",
      );
    expect(details(80, 80)).toMatchObject({ inputTokens: 100, cachedInputTokens: 80, cacheWriteInputTokens: 20 });
    expect(details(100, 80)).not.toHaveProperty("cacheWriteInputTokens");
  });

  it("needs no details", () => {
    expect(convertUsage(recordedUsage("openai-compatible/200-ollama-length.json"), "inside-completion")).toMatchObject({
      inputTokens: 23,
      outputTokens: 1,
      cachedInputTokens: 0,
      reasoningTokens: 0,
    });
  });

  it("takes a part that is larger than its whole as counted beside it", () => {
    const cached = recordedUsage("grok/200-cached-more-than-prompt.json");
    expect(convertUsage(cached, "beside-completion")).toMatchObject({ inputTokens: 1734, cachedInputTokens: 1056 });

    const reasoning = { prompt_tokens: 5, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 9 } };
    expect(convertUsage(reasoning, "inside-completion")).toMatchObject({ outputTokens: 10, reasoningTokens: 9 });
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["no totals", { total_tokens: 9 }],
    ["text", { prompt_tokens: "9", completion_tokens: "1" }],
    ["negative", { prompt_tokens: -1, completion_tokens: 1 }],
    ["NaN", { prompt_tokens: Number.NaN, completion_tokens: 1 }],
  ])("says that there is no usage: %s", (_, raw) => {
    expect(convertUsage(raw, "inside-completion")).toBeNull();
  });

  it("ignores details that make no sense", () => {
    const raw = { prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { cached_tokens: -3 } };
    expect(convertUsage(raw, "inside-completion")).toMatchObject({ inputTokens: 9, cachedInputTokens: 0 });
  });

  it("never lets a part exceed its whole", () => {
    const tokens = fc.nat({ max: 1_000_000 });
    fc.assert(
      fc.property(tokens, tokens, tokens, tokens, fc.boolean(), (prompt, cached, completion, reasoning, inside) => {
        const raw = {
          prompt_tokens: prompt,
          completion_tokens: completion,
          prompt_tokens_details: { cached_tokens: cached },
          completion_tokens_details: { reasoning_tokens: reasoning },
        };
        const usage = convertUsage(raw, inside ? "inside-completion" : "beside-completion");
        expect(usage?.cachedInputTokens).toBeLessThanOrEqual(usage?.inputTokens ?? -1);
        expect(usage?.reasoningTokens).toBeLessThanOrEqual(usage?.outputTokens ?? -1);
      }),
    );
  });
});

describe("reportedCostMicroUsd", () => {
  it("reads xAI's ticks of 1e-10 USD", () => {
    expect(reportedCostMicroUsd(recordedUsage("grok/200-reasoning-outside-completion.json"))).toBe(117.65);
    expect(reportedCostMicroUsd(recordedUsage("grok/200-grok-4.3-reasoning-cached.json"))).toBe(329.35);
  });

  it("reads OpenRouter's USD", () => {
    expect(reportedCostMicroUsd(recordedUsage("openai-compatible/200-openrouter-cost.json"))).toBe(14);
  });

  it("takes 0 for not said, as xAI's own client does", () => {
    expect(reportedCostMicroUsd({ cost_in_usd_ticks: 0 })).toBeNull();
  });

  it.each([undefined, null, {}, { cost_in_usd_ticks: -5 }, { cost_in_usd_ticks: "7" }, { cost: 0 }, { cost: {} }])(
    "is null for %j",
    (usage) => {
      expect(reportedCostMicroUsd(usage)).toBeNull();
    },
  );
});

describe("estimateUsage", () => {
  it("counts a token for every four characters, and says that it guesses", () => {
    const messages = [
      { role: "system", content: "12345" },
      { role: "user", content: "6789" },
    ] as const;

    expect(estimateUsage(messages, "12345")).toEqual({
      inputTokens: 3,
      outputTokens: 2,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      estimated: true,
      raw: null,
    });
  });
});
