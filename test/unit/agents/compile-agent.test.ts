import { describe, expect, it } from "vitest";
import { RESPONSE_STYLES } from "../../../src/agents/agent-schema.ts";
import { defaultAgent } from "../../../src/agents/default-agent.ts";
import { parseAgent } from "../../../src/agents/parse-agent.ts";
import { RESPONSE_STYLES as FAKE_STYLES } from "../../../src/providers/fake/phrases.ts";
import { compile, OPTIONS } from "./compile-options.ts";

const DEFAULT_PARAMETERS = {
  temperature: 0.7,
  maxTokens: 280,
  topP: 0.9,
  frequencyPenalty: 0,
  presencePenalty: 0,
  stream: false,
};

const DEFAULT_OPENAI = {
  provider: "openai",
  model: "gpt-6-luna",
  parameters: DEFAULT_PARAMETERS,
  timeoutMs: 30_000,
  options: {},
};

describe("defaults", () => {
  it("are OpenAI with the values that the source documents", () => {
    expect(compile({}).chain).toEqual([DEFAULT_OPENAI]);
    expect(compile({ llm_config: {} }).chain).toEqual([DEFAULT_OPENAI]);
  });

  it.each([
    ["grok", "grok-4.7"],
    ["fake", "fake-1"],
  ])("of %s", (provider, model) => {
    expect(compile({ llm_provider: provider }).chain).toEqual([{ ...DEFAULT_OPENAI, provider, model }]);
  });

  it("give way to every setting of the file", () => {
    const llmConfig = {
      model: "ft:gpt-6-luna:org/name@2",
      temperature: 0,
      max_tokens: 1,
      top_p: 1,
      frequency_penalty: -2,
      presence_penalty: 2,
      logit_bias: { "0": -100, "1734": 99.5 },
      user: "user-1",
      stream: true,
      timeout: 1.5,
    };
    expect(compile({ llm_config: llmConfig }).chain).toEqual([
      {
        provider: "openai",
        model: "ft:gpt-6-luna:org/name@2",
        parameters: {
          temperature: 0,
          maxTokens: 1,
          topP: 1,
          frequencyPenalty: -2,
          presencePenalty: 2,
          logitBias: { "0": -100, "1734": 99.5 },
          user: "user-1",
          stream: true,
        },
        timeoutMs: 1500,
        options: {},
      },
    ]);
  });

  it("of the agent for content jobs that name none", () => {
    const { agent } = defaultAgent(OPTIONS);
    expect(agent).toMatchObject({ id: "default", chain: [DEFAULT_OPENAI], prompt: { from: "custom" } });
  });
});

describe("the fake provider's settings", () => {
  it("know the same styles as the provider", () => {
    expect(RESPONSE_STYLES).toEqual(FAKE_STYLES);
  });

  it("become its options, as primary and as fall-back", () => {
    const settings = { response_style: "poetic", include_prompt: true };
    const options = { responseStyle: "poetic", includePrompt: true };
    expect(compile({ llm_provider: "fake", llm_config: settings }).chain[0].options).toEqual(options);
    const fallback = { fallback_provider: "fake", fallback_config: settings };
    expect(compile({ llm_config: fallback }).chain.map((member) => member.options)).toEqual([{}, options]);
  });
});

describe("a fall-back", () => {
  it("has its provider's default model and default parameters when it brings no settings", () => {
    const { chain } = compile({
      llm_config: { temperature: 1.9, top_p: 0.1, user: "u", fallback_provider: "grok" },
    });
    expect(chain[1]).toEqual({ ...DEFAULT_OPENAI, provider: "grok", model: "grok-4.7" });
  });

  it("inherits max_tokens, timeout and stream from the member before it, and nothing else", () => {
    const llmConfig = {
      max_tokens: 99,
      timeout: 60,
      stream: true,
      temperature: 1.9,
      logit_bias: { "1": 1 },
      fallback_provider: "grok",
      fallback_config: {
        timeout: 5,
        temperature: 0.1,
        fallback_provider: "fake",
        fallback_config: { max_tokens: 7, stream: false },
      },
    };
    const members = compile({ llm_config: llmConfig }).chain.map(({ provider, parameters, timeoutMs }) => ({
      provider,
      parameters,
      timeoutMs,
    }));
    expect(members.slice(1)).toEqual([
      {
        provider: "grok",
        parameters: { ...DEFAULT_PARAMETERS, maxTokens: 99, temperature: 0.1, stream: true },
        timeoutMs: 5_000,
      },
      { provider: "fake", parameters: { ...DEFAULT_PARAMETERS, maxTokens: 7 }, timeoutMs: 5_000 },
    ]);
  });

  it("may be the same provider with another model", () => {
    const { chain } = compile({ llm_config: { fallback_provider: "openai", fallback_config: { model: "gpt-6-sol" } } });
    expect(chain.map((member) => member.model)).toEqual(["gpt-6-luna", "gpt-6-sol"]);
  });
});

describe("the system prompt", () => {
  const rotating = { rotating_system_prompts: ["one", "two"] };
  const custom = { custom_system_prompt: "custom" };

  it("is llm_config's before all others", () => {
    const prompt = compile({ llm_config: { system_prompt: "own" }, ...rotating, ...custom }).prompt;
    expect(prompt).toEqual({ from: "llm_config", text: "own" });
  });

  it("rotates before it is the custom one", () => {
    expect(compile({ ...rotating, ...custom }).prompt).toEqual({ from: "rotating", texts: ["one", "two"] });
  });

  it("is the custom one when the list of rotating ones is empty", () => {
    expect(compile({ rotating_system_prompts: [], ...custom }).prompt).toEqual({ from: "custom", text: "custom" });
  });

  it("is built from the persona when the file brings none", () => {
    expect(compile({ description: "Counts." }).prompt).toEqual({
      from: "personality",
      text: "You are Ada. Counts.\n\nStay in character as Ada in everything you write.",
    });
  });
});

describe("the source's own documents", () => {
  /** They show only a part of a file; id and name are added here. */
  function compileDocument(fields: string) {
    return parseAgent("source.json", `{ "id": "a", "name": "A", ${fields} }`, OPTIONS).agent;
  }

  it("OpenAI", () => {
    const { chain } =
      compileDocument(`"llm_provider": "openai", "llm_config": { "model": "gpt-4-turbo", "temperature": 0.7,
      "max_tokens": 280, "top_p": 0.9, "frequency_penalty": 0.0, "presence_penalty": 0.0 }`);
    expect(chain).toEqual([{ ...DEFAULT_OPENAI, model: "gpt-4-turbo" }]);
  });

  it("Grok, with stream and timeout", () => {
    const { chain } = compileDocument(`"llm_provider": "grok", "llm_config": { "model": "grok-1", "temperature": 0.7,
      "max_tokens": 280, "stream": false, "timeout": 30 }`);
    expect(chain).toEqual([{ ...DEFAULT_OPENAI, provider: "grok", model: "grok-1" }]);
  });

  it("Fake", () => {
    const { chain } = compileDocument(
      `"llm_provider": "fake", "llm_config": { "response_style": "helpful", "include_prompt": true }`,
    );
    expect(chain[0].options).toEqual({ responseStyle: "helpful", includePrompt: true });
  });

  it("an agent without a provider, with the comment in it", () => {
    const text = `{\n  "id": "agent-3",\n  "name": "Agent 3"\n  // no provider named\n}`;
    expect(parseAgent("agent-3.json", text, OPTIONS).agent.chain).toEqual([DEFAULT_OPENAI]);
  });

  it("a system prompt", () => {
    const text = "You joke first and explain later.";
    const { prompt } = compileDocument(`"llm_config": { "temperature": 0.7, "system_prompt": "${text}" }`);
    expect(prompt).toEqual({ from: "llm_config", text });
  });

  it("advanced settings, with a token id in place of a word", () => {
    const { chain } = compileDocument(
      `"llm_config": { "logit_bias": { "1734": 100 }, "user": "agent-specific-user-id" }`,
    );
    expect(chain[0].parameters).toEqual({
      ...DEFAULT_PARAMETERS,
      logitBias: { "1734": 100 },
      user: "agent-specific-user-id",
    });
  });

  it("a fall-back", () => {
    const { chain } = compileDocument(`"llm_provider": "openai", "llm_config": { "model": "gpt-4-turbo",
      "fallback_provider": "grok", "fallback_config": { "model": "grok-1", "temperature": 0.7 } }`);
    expect(chain.map(({ provider, model }) => `${provider}/${model}`)).toEqual(["openai/gpt-4-turbo", "grok/grok-1"]);
  });
});
