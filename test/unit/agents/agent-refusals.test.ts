import { describe, expect, it } from "vitest";
import { faultsOf } from "./compile-options.ts";

describe("secrets and reserved names", () => {
  const ELSEWHERE =
    "expected no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)";

  it.each(["api_key", "apiKey", "API-KEY", "openai_api_key", "grokApiKey", "secret_key", "password"])(
    "refuses a field %s anywhere and never shows its value",
    (name) => {
      const hidden = `got a field for a secret (its value is not shown); ${ELSEWHERE}`;
      const faults = faultsOf(
        `"${name}": "hunter-two",\n"llm_config": {"${name}": "hunter-two",\n"fallback_provider": "grok", "fallback_config": {"${name}": {"a": "hunter-two"}}},\n"initial_memory": {"relationships": {"${name}": "hunter-two"}}`,
      );
      const shown = name.includes("-") ? `["${name}"]` : `.${name}`;
      expect(faults.split("\n")).toEqual([
        `ada.json:2 ${shown.replace(/^\./, "")}: ${hidden}`,
        `ada.json:3 llm_config${shown}: ${hidden}`,
        `ada.json:4 llm_config.fallback_config${shown}: ${hidden}`,
        `ada.json:5 initial_memory.relationships${shown}: ${hidden}`,
      ]);
    },
  );

  it.each(["sk-proj-aBcDeFgHiJ0123456789", "xai-aBcDeFgHiJ0123456789"])("refuses %s wherever it stands", (key) => {
    const faults = faultsOf(
      `"description": "call with ${key}",\n"llm_config": {"model": "${key}", "user": "${key}",\n"temperature": "${key}"},\n"${key}": 1,\n"personality": {"traits": ["${key}"]}`,
    );
    expect(faults).not.toContain(key.slice(4));
    const lookalike = `got what looks like a key (not shown); ${ELSEWHERE}`;
    expect(faults.split("\n")).toEqual([
      `ada.json:2 description: ${lookalike}`,
      `ada.json:3 llm_config.model: ${lookalike}`,
      `ada.json:3 llm_config.user: ${lookalike}`,
      `ada.json:4 llm_config.temperature: ${lookalike}`,
      `ada.json:5 [not shown]: got a field for a secret (its value is not shown); ${ELSEWHERE}`,
      `ada.json:6 personality.traits[0]: ${lookalike}`,
    ]);
  });

  it.each(["__proto__", "constructor", "prototype"])("refuses the name %s at every level", (name) => {
    const reserved = "got a reserved name; expected a field with another name";
    const faults = faultsOf(
      `"${name}": {"polluted": true},\n"llm_config": {"${name}": 1,\n"logit_bias": {"${name}": 1}},\n"initial_memory": {"relationships": {"${name}": "x"}}`,
    );
    expect(faults.split("\n")).toEqual([
      `ada.json:2 ${name}: ${reserved}`,
      `ada.json:3 llm_config.${name}: ${reserved}`,
      `ada.json:4 llm_config.logit_bias.${name}: ${reserved}`,
      `ada.json:5 initial_memory.relationships.${name}: ${reserved}`,
    ]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("texts", () => {
  it.each([
    ["empty", '""', '""', "text that is not blank (leave the field out if there is none)"],
    ["white space", '" \\t"', '" \\t"', "text that is not blank (leave the field out if there is none)"],
    ["NUL", '"ab\\u0000"', "a NUL character at offset 2", "text without it"],
    ["half a surrogate pair", '"🙂\\ud83d"', "half a surrogate pair at offset 2", "well-formed text"],
    ["longer than 256 KiB", `"${"é".repeat(131_073)}"`, "262146 bytes", "at most 262144 bytes (256 KiB)"],
    ["no text", "7", "7", "text in quotation marks"],
  ])("refuses a prompt that is %s", (_, written, got, expected) => {
    expect(faultsOf(`"custom_system_prompt": ${written}`)).toBe(
      `ada.json:2 custom_system_prompt: got ${got}; expected ${expected}`,
    );
    expect(faultsOf(`"rotating_system_prompts": ["fine",\n${written}]`)).toBe(
      `ada.json:3 rotating_system_prompts[1]: got ${got}; expected ${expected}`,
    );
  });

  it("refuses a persona that makes too long a prompt", () => {
    const traits = JSON.stringify(Array.from({ length: 3 }, () => "x".repeat(100_000)));
    expect(faultsOf(`"personality": {"traits": ${traits}}`)).toMatch(
      /^ada\.json:1: got 3001\d\d bytes in the prompt made of description, personality, style_guide and initial_memory; expected at most 262144 bytes \(256 KiB\)$/,
    );
  });

  it("refuses bad characters in relationships", () => {
    expect(faultsOf('"initial_memory": {"relationships": {"Bob": "a\\u0000"}}')).toContain(
      "in the prompt made of description, personality, style_guide and initial_memory; expected text without it",
    );
  });

  it("says which shape the persona's fields have", () => {
    expect(
      faultsOf(
        '"personality": "nice",\n"style_guide": {"formatting": {"uses_emojis": 3}},\n"initial_memory": {"core_memories": "x", "relationships": []}',
      ).split("\n"),
    ).toEqual([
      'ada.json:2 personality: got "nice"; expected an object',
      "ada.json:3 style_guide.formatting.uses_emojis: got 3; expected true, false or a text that says how",
      'ada.json:4 initial_memory.core_memories: got "x"; expected a list of texts',
      "ada.json:4 initial_memory.relationships: got a list; expected an object: name → relationship",
    ]);
  });
});
