import { describe, expect, it } from "vitest";
import { createFake, type FakeProviderOptions } from "../../../../src/providers/fake/fake-provider.ts";
import { RESPONSE_STYLES } from "../../../../src/providers/fake/phrases.ts";
import { topicOf } from "../../../../src/providers/fake/write-text.ts";
import { ProviderError } from "../../../../src/providers/provider-error.ts";
import type { GenerateResponse } from "../../../../src/providers/provider.ts";
import { generateRequest, type RequestChanges } from "../../../support/generate-request.ts";

const never = new AbortController().signal;

function generate(options: FakeProviderOptions = {}, changes: RequestChanges = {}): Promise<GenerateResponse> {
  return createFake(options).generate(generateRequest(changes), never);
}

async function outcomes(options: FakeProviderOptions, attempts: number): Promise<string[]> {
  const provider = createFake(options);
  const results = Array.from({ length: attempts }, (_, index) =>
    provider.generate(generateRequest({ attemptId: `j_${index}.1` }), never).then(
      ({ text }) => text,
      (error: unknown) => (error as ProviderError).kind,
    ),
  );
  return Promise.all(results);
}

describe("the fake provider", () => {
  it("gives the same attempt the same answer, and another seed another one", async () => {
    expect(await generate()).toEqual(await generate());
    const texts = await Promise.all(["a", "b", "c", "d"].map((seed) => generate({ seed })));
    expect(new Set(texts.map(({ text }) => text)).size).toBeGreaterThan(1);
  });

  it.each(["helpful", "witty", "poetic", "terse"] as const)(
    "writes dozens of %s texts about the topic",
    async (style) => {
      const texts = new Set(await outcomes({ style }, 300));

      expect(texts.size).toBeGreaterThan(60);
      for (const text of texts) {
        expect(text.toLowerCase()).toContain("the sea");
        expect(text.length).toBeLessThanOrEqual(280);
        expect(text).not.toContain("{topic}");
      }
    },
  );

  it("echoes the last user message, cut to a tweet", async () => {
    const echo = await generate({ style: "echo" });
    expect(echo.text).toBe("Write a tweet about the sea.");

    const long = await generate({ style: "echo" }, { messages: [{ role: "user", content: "🌊".repeat(1000) }] });
    expect(long.text).toBe("🌊".repeat(140));
  });

  it.each(RESPONSE_STYLES)("stays within a tweet in the style %s, whatever the prompt", async (style) => {
    const prompts = ["", "about " + "very ".repeat(500), "話題".repeat(300), "about $& and $1"];
    for (const content of prompts) {
      if (style === "echo" && content === "") continue;
      const { text } = await generate({ style }, { messages: [{ role: "user", content }] });
      expect(text.length).toBeLessThanOrEqual(280);
    }
  });

  it("takes an agent's own style and quotes the prompt when it asks for that", async () => {
    const { text } = await generate({ style: "witty" }, { options: { responseStyle: "echo", includePrompt: true } });
    expect(text).toBe("“Write a tweet about the sea.”\nWrite a tweet about the sea.");
  });

  it("refuses a style that it does not know, and lists those it does", async () => {
    await expect(generate({}, { options: { responseStyle: "sarcastic" } })).rejects.toMatchObject({
      kind: "invalid-request",
      sent: "no",
      message: 'responseStyle: got "sarcastic"; expected one of helpful, witty, poetic, terse, echo',
    });
  });

  it("counts its own tokens: four characters each", async () => {
    const { text, usage } = await generate();
    const prompt = generateRequest()
      .messages.map(({ content }) => content)
      .join("");

    expect(usage).toEqual({
      inputTokens: Math.ceil(prompt.length / 4),
      outputTokens: Math.ceil(text.length / 4),
      cachedInputTokens: 0,
      reasoningTokens: 0,
      estimated: false,
      raw: null,
    });
  });

  it("is cut by the cap", async () => {
    const cut = await generate({ style: "echo" }, { parameters: { maxTokens: 3 } });
    expect(cut).toMatchObject({ text: "Write a twee", finishReason: "length", rawFinishReason: "length" });

    const raised = await generate({ style: "echo" }, { parameters: { maxTokens: 3 }, capTokens: 12 });
    expect(raised.finishReason).toBe("stop");
  });

  it("fails the given share of attempts in the given way, always the same ones", async () => {
    const options = { failureRate: 0.3, failWith: "rate-limited" } as const;
    const first = await outcomes(options, 1000);
    const failed = first.filter((outcome) => outcome === "rate-limited").length;

    expect(failed).toBeGreaterThan(240);
    expect(failed).toBeLessThan(360);
    expect(await outcomes(options, 1000)).toEqual(first);
  });

  it("refuses the given share and charges for it", async () => {
    const refused = (await outcomes({ refuseRate: 0.5 }, 400)).filter((outcome) => outcome === "content-filtered");
    expect(refused.length).toBeGreaterThan(150);
    expect(refused.length).toBeLessThan(250);

    const error: unknown = await generate({ refuseRate: 1 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "content-filtered", sent: "yes", usage: { estimated: false } });
  });

  it.each([
    ["network", "no", null],
    ["timeout", "unknown", null],
    ["overloaded", "yes", 503],
    ["quota-exhausted", "yes", 429],
    ["certificate", "no", null],
  ] as const)("fails with %s as a vendor would", async (failWith, sent, status) => {
    const error: unknown = await generate({ failureRate: 1, failWith }).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ kind: failWith, sent, status, provider: "fake" });
    expect((error as ProviderError).message).toBe(`the fake provider was told to fail: ${failWith}`);
  });

  it("takes its time between the two bounds, and no longer than the deadline", async () => {
    const latencyMs = { min: 20, max: 30 };
    await expect(generate({ latencyMs }, { timeoutMs: 19 })).rejects.toMatchObject({ kind: "timeout" });
    expect((await generate({ latencyMs }, { timeoutMs: 30 })).finishReason).toBe("stop");
  });
});

describe("the fake provider with stream", () => {
  interface Streamed {
    readonly texts: readonly string[];
    readonly ending: GenerateResponse | ProviderError;
  }

  /** What it told, and how it ended. */
  async function stream(
    options: FakeProviderOptions = {},
    changes: RequestChanges = {},
    signal = never,
  ): Promise<Streamed> {
    const texts: string[] = [];
    const parameters = { stream: true, ...changes.parameters };
    const request = generateRequest({ onText: (text) => void texts.push(text), ...changes, parameters });
    const ending = await createFake(options)
      .generate(request, signal)
      .catch((error: unknown) => error as ProviderError);
    return { texts, ending };
  }

  it("tells its text word by word, the same one as without, and drops nothing", async () => {
    const whole = await generate();
    const { texts, ending } = await stream({ latencyMs: 20 });
    expect(ending).toEqual(whole);
    expect(ending).toMatchObject({ adjustedParams: [] });
    expect(texts).toHaveLength(whole.text.split(/\s+/).length);
    texts.forEach((text, index) => expect(text.startsWith(texts[index - 1] ?? "")).toBe(true));
    expect(texts.at(-1)).toBe(whole.text);
    expect(await stream()).toEqual({ texts, ending });
  });

  it("tells nobody without it", async () => {
    expect(await stream({}, { parameters: { stream: false } })).toEqual({ texts: [], ending: await generate() });
  });

  it("has told at the deadline what came before it, on every machine", async () => {
    const { texts, ending } = await stream({ latencyMs: 60 }, { timeoutMs: 30 });
    const words = (await stream()).texts;
    expect(ending).toMatchObject({ kind: "timeout", sent: "unknown" });
    expect(texts).toEqual(words.slice(0, Math.floor(words.length / 2)));
  });

  it("stops in the middle when the signal fires", async () => {
    const stop = new AbortController();
    const texts: string[] = [];
    const onText = (text: string): void => {
      texts.push(text);
      stop.abort();
    };
    const { ending } = await stream({ latencyMs: 1000 }, { onText }, stop.signal);
    expect(ending).toMatchObject({ kind: "aborted", sent: "unknown" });
    expect(texts).toHaveLength(1);
  });

  it.each([
    ["a refusal", { refuseRate: 1 }, "content-filtered"],
    ["a lost connection", { failureRate: 1, failWith: "disconnected" }, "disconnected"],
  ] as const)("breaks off half-way at %s", async (_, options, kind) => {
    const { text } = await generate();
    const { texts, ending } = await stream(options);
    expect(ending).toMatchObject({ kind });
    expect(texts.at(-1)).toBe(text.slice(0, Math.ceil(text.length / 2)));
  });

  it("tells nothing before an error from the start", async () => {
    const { texts, ending } = await stream({ failureRate: 1 });
    expect({ texts, ending }).toMatchObject({ texts: [], ending: { kind: "overloaded" } });
  });
});

describe("topicOf", () => {
  it.each([
    ["Write a tweet about the sea.", "the sea"],
    ["Topic: old lighthouses\nMood: calm", "old lighthouses"],
    ["Somebody answers.\n\nThe post that mentions you:\n```\nwhy tides?\n```", "why tides"],
    ['Post something on "tidal power", please', "tidal power"],
    ["Good morning, everyone!", "Good morning, everyone"],
    ["", "today"],
    ["  \n ", "today"],
    ["about " + "word ".repeat(50), "word word word word word word word word"],
  ])("%j is about %j", (prompt, topic) => {
    expect(topicOf(prompt)).toBe(topic);
  });
});
