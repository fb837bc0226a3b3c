import { describe, expect, it } from "vitest";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { faultsOf, messageOf, OPTIONS } from "./compile-options.ts";

const TEMPERATURE = "a number from 0 to 2";
const MAX_TOKENS = "an integer from 1 to the model's limit (1000000 at most)";
const TOKEN_ID =
  'the id of a token, an integer such as "1734"; it comes from the model\'s tokenizer, e.g. the `tiktoken` package';
const BIAS = "a number from -100 to 100";
const SECONDS = "seconds, a number from 1 to 600";
const MODEL = "the name of a model: 1–128 letters, digits and . _ : / @ -, starting with a letter or digit";
const CONFIG_FIELDS =
  "one of model, temperature, max_tokens, top_p, frequency_penalty, presence_penalty, logit_bias, user, system_prompt, stream, timeout, fallback_provider, response_style, include_prompt, fallback_config";
const AGENT_FIELDS =
  "one of id, name, description, llm_provider, llm_config, custom_system_prompt, rotating_system_prompts, personality, style_guide, initial_memory, handle, post_length_limit, variety, cache, schedule, behavior";

describe("one wrong setting in llm_config", () => {
  it.each([
    ["temperature", '"0.7"', '"0.7"', TEMPERATURE],
    ["temperature", "null", "null", TEMPERATURE],
    ["temperature", "2.1", "2.1", TEMPERATURE],
    ["temperature", "-0.1", "-0.1", TEMPERATURE],
    ["temperature", "1e999", "Infinity", TEMPERATURE],
    ["temperature", '{"value": 1}', "an object", TEMPERATURE],
    ["top_p", "1.5", "1.5", "a number from 0 to 1"],
    ["frequency_penalty", "2.1", "2.1", "a number from -2 to 2"],
    ["frequency_penalty", "-2.1", "-2.1", "a number from -2 to 2"],
    ["presence_penalty", "2.1", "2.1", "a number from -2 to 2"],
    ["presence_penalty", "-2.1", "-2.1", "a number from -2 to 2"],
    ["max_tokens", "0", "0", MAX_TOKENS],
    ["max_tokens", "1.5", "1.5", MAX_TOKENS],
    ["max_tokens", "1e9", "1000000000", MAX_TOKENS],
    ["max_tokens", '"280"', '"280"', MAX_TOKENS],
    ["timeout", "0", "0", SECONDS],
    ["timeout", '"30"', '"30"', SECONDS],
    ["timeout", "601", "601", SECONDS],
    ["timeout", "30000", "30000", `${SECONDS}; milliseconds? then write 30`],
    ["stream", '"yes"', '"yes"', "true or false"],
    ["include_prompt", "1", "1", "true or false"],
    ["logit_bias", "[]", "a list", "an object: token id → number from -100 to 100"],
    ["model", '"gpt 6"', '"gpt 6"', MODEL],
    ["model", '""', '""', MODEL],
    ["model", '"-m"', '"-m"', MODEL],
    ["system_prompt", '" \\n "', '" \\n "', "text that is not blank (leave the field out if there is none)"],
  ])("%s: %s", (field, written, got, expected) => {
    const faults = faultsOf(`"llm_provider": "fake",\n"llm_config": {\n"${field}": ${written}}`);
    expect(faults).toBe(`ada.json:4 llm_config.${field}: got ${got}; expected ${expected}`);
  });

  it("refuses a temperature that is not a number in an agent given as an object", () => {
    const agent = { id: "ada", name: "Ada", llm_config: { temperature: Number.NaN } };
    expect(messageOf(() => parseAgentObject("agent", agent, OPTIONS))).toBe(
      `agent llm_config.temperature: got NaN; expected ${TEMPERATURE}`,
    );
  });

  it("explains where token ids come from (the source's own example has a word there)", () => {
    expect(faultsOf('"llm_config": {"logit_bias": {"specific_token": 100}}')).toBe(
      `ada.json:2 llm_config.logit_bias.specific_token: got "specific_token"; expected ${TOKEN_ID}`,
    );
  });

  it.each(["1.5", "-1", "1e3", "007", " 7"])("refuses %j as a token id", (key) => {
    expect(faultsOf(`"llm_config": {"logit_bias": {"${key}": 1}}`)).toContain(`got "${key}"; expected ${TOKEN_ID}`);
  });

  it.each([
    ["101", "101"],
    ["-100.5", "-100.5"],
    ['"5"', '"5"'],
  ])("refuses %s as a bias", (written, got) => {
    expect(faultsOf(`"llm_config": {"logit_bias": {"1734": ${written}}}`)).toBe(
      `ada.json:2 llm_config.logit_bias.1734: got ${got}; expected ${BIAS}`,
    );
  });
});

describe("unknown fields", () => {
  it("suggests the field that was meant", () => {
    expect(faultsOf('"llm_config": {\n\n"temprature": 1}')).toBe(
      `ada.json:4 llm_config.temprature: got an unknown field; expected ${CONFIG_FIELDS}; did you mean "temperature"?`,
    );
  });

  it("suggests nothing when nothing is similar", () => {
    expect(faultsOf('"shoe_size": 43')).toBe(`ada.json:2 shoe_size: got an unknown field; expected ${AGENT_FIELDS}`);
  });

  it("finds several in one object, and inside a fall-back", () => {
    const faults = faultsOf(
      '"Name": "A",\n"llm_config": {"fallback_provider": "grok", "fallback_config": {\n"topp": 1}},\n"nme": "A"',
    );
    expect(faults.split("\n")).toEqual([
      `ada.json:2 Name: got an unknown field; expected ${AGENT_FIELDS}; did you mean "name"?`,
      `ada.json:4 llm_config.fallback_config.topp: got an unknown field; expected ${CONFIG_FIELDS}; did you mean "top_p"?`,
      `ada.json:5 nme: got an unknown field; expected ${AGENT_FIELDS}; did you mean "name"?`,
    ]);
  });

  it("finds them in the persona", () => {
    expect(faultsOf('"style_guide": {"formatting": {"use_emojis": true}}')).toBe(
      'ada.json:2 style_guide.formatting.use_emojis: got an unknown field; expected one of uses_hashtags, hashtag_style, uses_emojis, emoji_frequency, capitalization, sentence_length; did you mean "uses_emojis"?',
    );
  });

  it.each(["toString", "hasOwnProperty", "valueOf"])("treats %s as unknown too", (name) => {
    expect(faultsOf(`"${name}": 1`)).toBe(`ada.json:2 ${name}: got an unknown field; expected ${AGENT_FIELDS}`);
  });

  it("escapes names that could deceive a reader", () => {
    expect(faultsOf('"a\\u202eb\\n c": 1')).toBe(
      `ada.json:2 ["a\\u202eb\\n c"]: got an unknown field; expected ${AGENT_FIELDS}`,
    );
  });
});

describe("names", () => {
  it.each([
    ["opneai", 'one of openai, grok, fake; did you mean "openai"?'],
    ["OpenAI", 'one of openai, grok, fake; did you mean "openai"?'],
    ["grokk", 'one of openai, grok, fake; did you mean "grok"?'],
    ["llama", "one of openai, grok, fake"],
  ])("refuses the provider %s", (provider, expected) => {
    expect(faultsOf(`"llm_provider": "${provider}"`)).toBe(
      `ada.json:2 llm_provider: got "${provider}"; expected ${expected}`,
    );
    expect(faultsOf(`"llm_config": {"fallback_provider": "${provider}"}`)).toBe(
      `ada.json:2 llm_config.fallback_provider: got "${provider}"; expected ${expected}`,
    );
  });

  it("refuses null as a provider", () => {
    expect(faultsOf('"llm_provider": null')).toBe(
      "ada.json:2 llm_provider: got null; expected one of openai, grok, fake",
    );
  });

  it("refuses an unknown response style", () => {
    expect(faultsOf('"llm_provider": "fake", "llm_config": {"response_style": "wity"}')).toBe(
      'ada.json:2 llm_config.response_style: got "wity"; expected one of helpful, witty, poetic, terse, echo; did you mean "witty"?',
    );
  });

  it.each([["a b"], [""], ["a:b"], ["ä"], ["x".repeat(129)]])("refuses the agent id %j", (id) => {
    const message = messageOf(() => parseAgentObject("agent", { id, name: "Ada" }, OPTIONS));
    expect(message).toMatch(/^agent id: got ".*; expected 1–128 characters of A–Z a–z 0–9 _ -$/);
  });

  it("asks for id and name", () => {
    expect(messageOf(() => parseAgentObject("agent", {}, OPTIONS)).split("\n")).toEqual([
      "agent id: got nothing; expected 1–128 characters of A–Z a–z 0–9 _ -",
      "agent name: got nothing; expected text in quotation marks",
    ]);
  });
});

describe("the chain", () => {
  const ONCE = "expected every provider and model at most once in a chain";

  it("refuses a fall-back to the same provider and model", () => {
    expect(faultsOf('"llm_config": {\n"fallback_provider": "openai"}')).toBe(
      `ada.json:3 llm_config.fallback_provider: got openai/gpt-6-luna > openai/gpt-6-luna; ${ONCE}`,
    );
    expect(
      faultsOf('"llm_config": {"model": "m", "fallback_provider": "openai", "fallback_config": {"model": "m"}}'),
    ).toBe(`ada.json:2 llm_config.fallback_provider: got openai/m > openai/m; ${ONCE}`);
  });

  it("prints a longer cycle", () => {
    const faults = faultsOf(
      '"llm_config": {"fallback_provider": "grok",\n"fallback_config": {"fallback_provider":\n"openai"}}',
    );
    expect(faults).toBe(
      `ada.json:3 llm_config.fallback_config.fallback_provider: got openai/gpt-6-luna > grok/grok-4.7 > openai/gpt-6-luna; ${ONCE}`,
    );
  });

  it("prints only the members of the cycle", () => {
    const inner = '{"model": "a", "fallback_provider": "grok", "fallback_config": {"model": "a"}}';
    expect(faultsOf(`"llm_config": {"fallback_provider": "grok", "fallback_config": ${inner}}`)).toBe(
      `ada.json:2 llm_config.fallback_config.fallback_provider: got grok/a > grok/a; ${ONCE}`,
    );
  });

  it("refuses fallback_config without fallback_provider, at any depth", () => {
    const without =
      "got fallback_config without fallback_provider; expected fallback_provider beside it, one of openai, grok, fake";
    expect(faultsOf('"llm_config": {\n"fallback_config": {}}')).toBe(
      `ada.json:3 llm_config.fallback_config: ${without}`,
    );
    expect(
      faultsOf('"llm_config": {"fallback_provider": "grok", "fallback_config": {"fallback_config": {"model": "m"}}}'),
    ).toBe(`ada.json:2 llm_config.fallback_config.fallback_config: ${without}`);
  });

  it("refuses the fake provider's settings on other providers", () => {
    expect(faultsOf('"llm_config": {"response_style": "witty",\n"include_prompt": false}').split("\n")).toEqual([
      'ada.json:2 llm_config.response_style: got "witty" for "openai"; expected no such field here: only the fake provider takes it',
      'ada.json:3 llm_config.include_prompt: got false for "openai"; expected no such field here: only the fake provider takes it',
    ]);
    expect(faultsOf('"llm_config": {"fallback_provider": "grok", "fallback_config": {"response_style": "echo"}}')).toBe(
      'ada.json:2 llm_config.fallback_config.response_style: got "echo" for "grok"; expected no such field here: only the fake provider takes it',
    );
  });

  it("refuses a prompt of its own in a fall-back", () => {
    expect(faultsOf('"llm_config": {"fallback_provider": "grok", "fallback_config": {"system_prompt": "Hi"}}')).toBe(
      "ada.json:2 llm_config.fallback_config.system_prompt: got a system_prompt in a fall-back; expected no prompt of its own: a fall-back speaks with the agent's prompt",
    );
  });
});

it("reports every kind of fault of one file together, in the order of its lines", () => {
  const faults = faultsOf(`"llm_provider": "opneai",
"llm_config": { "temperature": 3,
"fallback_config": { "max_tokens": 0 },
"api_key": "x" },
"rotating_system_prompts": [""],
"llm_provider": "grok",
"custom_prompt": "Hi"`);
  expect(faults.split("\n").map((line) => line.split(": got")[0])).toEqual([
    "ada.json:3 llm_config.temperature",
    "ada.json:4 llm_config.fallback_config.max_tokens",
    "ada.json:4 llm_config.fallback_config",
    "ada.json:5 llm_config.api_key",
    "ada.json:6 rotating_system_prompts[0]",
    "ada.json:7 llm_provider",
    "ada.json:8 custom_prompt",
  ]);
});
