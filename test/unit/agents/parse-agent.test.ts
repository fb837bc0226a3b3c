import { describe, expect, it } from "vitest";
import { parseAgent, parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { messageOf, OPTIONS } from "./compile-options.ts";

const VALUE = "a JSON value: an object, a list, a string in quotation marks, a number, true, false or null";

function parse(text: string) {
  return parseAgent("ada.json", text, OPTIONS);
}

describe("JSON as people write it", () => {
  it("takes comments, trailing commas, a byte order mark and CRLF", () => {
    const text =
      '\uFEFF// who\r\n{ "id": "ada", /* and */\r\n"name": "Ada",\r\n"personality": {"traits": ["kind",],},\r\n}\r\n';
    expect(parse(text).agent.name).toBe("Ada");
  });

  it.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
    ["CR", "\r"],
  ])("counts physical lines with %s, comments included", (_, lineBreak) => {
    const lines = ["\uFEFF// a comment", "/* another", "*/ {", '"id": "ada",', '"name":', "7", "}"];
    expect(messageOf(() => parse(lines.join(lineBreak)))).toBe(
      "ada.json:5 name: got 7; expected text in quotation marks",
    );
  });

  it("keeps bidi controls, joined emoji and every script as they are", () => {
    const name = "شهرزاد \u2067RTL\u2069 👩🏽‍🚀 名前";
    expect(parse(JSON.stringify({ id: "a", name })).agent.name).toBe(name);
  });
});

describe("text that is no JSON", () => {
  it.each([
    ["", `ada.json:1: got the end of the file; expected ${VALUE}`],
    ["[]", "ada.json:1: got a list; expected an object"],
    ['{"id": "ada"\n\n"name": "Ada"}', "ada.json:3: got a string; expected a comma before it"],
    ['{"id"\n"ada"}', "ada.json:2: got a string; expected a colon before it"],
    ['{"id": "ada",\n\n', 'ada.json:3: got the end of the file; expected a field name in quotation marks, or "}"'],
    ['{"id": "ada",\n"name": ["a"\n', 'ada.json:3: got the end of the file; expected a closing "]"'],
    ['{\n"id": NaN}', `ada.json:2: got NaN; expected ${VALUE}`],
    ["{\n'id': 'ada'}", `ada.json:2: got an unknown word; expected ${VALUE}`],
    ['{"id": "ada",\n,}', 'ada.json:2: got ,; expected a field name in quotation marks, or "}"'],
    ['{"id": "ada",\n"name": "Ada\n}', "ada.json:2: got a string; expected a closing quotation mark on the same line"],
    ['{"id": "ada"}\n}', "ada.json:2: got }; expected nothing after the first value"],
    ['/* {"id"', 'ada.json:1: got an unknown word; expected a closing "*/"'],
    [
      '{\n"id": "\\q"}',
      'ada.json:2: got a string; expected a string with valid escapes (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000)',
    ],
  ])("%j", (text, message) => {
    expect(messageOf(() => parse(text)).split("\n")).toContain(message);
  });

  it("shows nothing of what may be a secret", () => {
    const message = messageOf(() => parse('{"id" "sk-secret",\nname: sk-secret,\n"x": "sk-secret}'));
    expect(message).toMatch(/^ada\.json:1: /);
    expect(message).not.toContain("secret");
  });

  it("reports independent syntax errors together", () => {
    expect(messageOf(() => parse('{"id": "ada"\n"name": "Ada",\n"llm_config": {\n')).split("\n")).toEqual([
      "ada.json:2: got a string; expected a comma before it",
      'ada.json:4: got the end of the file; expected a closing "}"',
    ]);
  });

  it("refuses a field that an object has twice", () => {
    const text = '{"id": "ada", "name": "Ada",\n"llm_config": {"top_p": 1,\n"top_p": 3,\n"top_p": 1}}';
    expect(messageOf(() => parse(text)).split("\n")).toEqual([
      "ada.json:3 llm_config.top_p: got a field that line 2 has already; expected each field once",
      "ada.json:4 llm_config.top_p: got a field that line 2 has already; expected each field once",
    ]);
  });

  it("checks the last of several equal fields, which is the one that would count", () => {
    const text = '{"id": "ada", "name": "Ada",\n"llm_config": {"top_p": 2,\n"top_p": 3}}';
    expect(messageOf(() => parse(text))).toContain("ada.json:3 llm_config.top_p: got 3; expected a number from 0 to 1");
  });

  it.each([40, 3_000, 100_000])("refuses %i nested levels", (levels) => {
    const nested = `${'{"x":'.repeat(levels)}1${"}".repeat(levels)}`;
    expect(messageOf(() => parse(nested))).toMatch(
      /^ada\.json(:1)?: got (more than 32|thousands of) nested levels; expected at most 32 levels$/,
    );
  });

  it("refuses a file of more than 1 MiB", () => {
    const text = JSON.stringify({ id: "ada", name: "x".repeat(10 * 1024 * 1024) });
    expect(messageOf(() => parse(text))).toBe("ada.json: got 10485782 characters; expected at most 1048576 (1 MiB)");
  });
});

describe("fields of other parts of Puppet Engine", () => {
  const TEXT = `{
    "id": "ada",
    "name": "Ada",
    "twitter_credentials": { "apiKey": "hunter-two", "constructor": 1 },
    "solana_integration": { "private_key": "hunter-two" },
    "agent_kit_integration": { "enabled": true },
    "behavior": { "reply_probability": 0.3 }
  }`;

  it("are noted, and nothing of them is kept", () => {
    const { agent, notes } = parse(TEXT);
    const ignored = "ignored and not kept; it belongs to another part of Puppet Engine";
    expect(notes).toEqual([
      `ada.json:4 twitter_credentials: ${ignored}`,
      `ada.json:5 solana_integration: ${ignored}`,
      `ada.json:6 agent_kit_integration: ${ignored}`,
      `ada.json:7 behavior: ${ignored}`,
    ]);
    expect(JSON.stringify(agent)).not.toMatch(/hunter|twitter|solana|kit|behavior/);
  });

  it("are refused anywhere but at the top", () => {
    const text = '{"id": "ada", "name": "Ada", "llm_config": {"behavior": {}}}';
    expect(messageOf(() => parse(text))).toContain("ada.json:1 llm_config.behavior: got an unknown field");
  });

  it("have no line when the agent is an object", () => {
    expect(parseAgentObject("agent", JSON.parse(TEXT), OPTIONS).notes[0]).toBe(
      "agent twitter_credentials: ignored and not kept; it belongs to another part of Puppet Engine",
    );
  });
});

describe("agents given as objects", () => {
  it("mean the same as a file", () => {
    const file = {
      id: "ada",
      name: "Ada",
      llm_config: { fallback_provider: "grok" },
      personality: { traits: ["kind"] },
    };
    expect(parseAgentObject("agent", file, OPTIONS)).toEqual(parse(JSON.stringify(file)));
  });

  it.each([null, undefined, "ada", 7, []])("must be objects: %j", (value) => {
    expect(messageOf(() => parseAgentObject("agent", value, OPTIONS))).toMatch(/^agent: got .*; expected an object$/);
  });

  it("may not contain themselves", () => {
    const agent: Record<string, unknown> = { id: "ada", name: "Ada" };
    agent["llm_config"] = { fallback_provider: "grok", fallback_config: agent, model: agent };
    expect(messageOf(() => parseAgentObject("agent", agent, OPTIONS))).toBe(
      "agent: got more than 32 nested levels; expected at most 32 levels",
    );
  });

  it("throw problems that programs can read", () => {
    const read = () => parseAgentObject("agent", { id: "ada", name: 7 }, OPTIONS);
    expect(read).toThrow(InvalidInputError);
    expect(read).toThrow(
      expect.objectContaining({
        problems: [{ source: "agent", path: "name", got: "7", expected: "text in quotation marks" }],
      }),
    );
  });

  it("stay as they were", () => {
    const file = Object.freeze({ id: "ada", name: "Ada", behavior: Object.freeze({}) });
    parseAgentObject("agent", file, OPTIONS);
    expect(file).toEqual({ id: "ada", name: "Ada", behavior: {} });
  });
});
