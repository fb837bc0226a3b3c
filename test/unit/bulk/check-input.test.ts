import { describe, expect, it } from "vitest";
import { checkInput, InvalidRowsError, type InvalidRow } from "../../../src/bulk/check-input.ts";
import { readJobs } from "../../../src/bulk/read-jobs.ts";
import { check, inputFile, KNOWN_AGENTS, type CheckedInput } from "./input-file.ts";

const ID = "expected 1–128 characters of A–Z a–z 0–9 _ -, or an integer from 0 to 9007199254740991";
const NO_KEY =
  "got a field for a secret (its value is not shown); expected no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)";

const csv = async (content: string, agent?: string): Promise<CheckedInput> => await check("t.csv", content, agent);
const jsonl = async (...rows: readonly unknown[]): Promise<CheckedInput> => {
  return await check("t.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
};

const accepted = (rows: number, duplicates = 0): CheckedInput => ({ summary: { rows, duplicates } });
const invalidRows = (...messages: readonly string[]): CheckedInput => ({ refused: ["InvalidRowsError", ...messages] });

describe("an input is accepted", () => {
  it("with every kind of job", async () => {
    expect(await csv("agent,topic,mention,prompt\nada,tea,,\nada,,@ada hi,\n,,,Write a haiku.\n")).toEqual(accepted(3));
    expect(
      await jsonl(
        { kind: "tweet", agent: "ada", context: { topic: "tea" } },
        { kind: "reply", agent: "ada", mention: "hi", conversation_history: ["a", { author: "b", text: "c" }] },
        { prompt: "p", id: 42 },
      ),
    ).toEqual(accepted(3));
  });

  it("with the agent named on the command line", async () => {
    expect(await csv("topic\ntea\n", "orbit")).toEqual(accepted(1));
  });

  it("with rows that stand in it twice, which count once", async () => {
    expect(await csv("id,agent,topic\n1,ada,tea\n2,ada,fog\n1,ada,tea\n1,ada,tea\n")).toEqual(accepted(2, 2));
    expect(await jsonl({ id: 1, agent: "ada" }, { agent: "ada", id: "1", topic: "" })).toEqual(accepted(1, 1));
  });

  it("with equal rows without an id, which are jobs of their own", async () => {
    expect(await csv("agent,topic\nada,tea\nada,tea\n")).toEqual(accepted(2));
  });
});

describe("an input is refused", () => {
  it("with all problems of all rows, each with line and column", async () => {
    const rows = [
      "id,kind,agent,topic,mention",
      "a:b,,ada,x,",
      "2,twet,ada,x,",
      "3,,nobody,x,",
      "4,tweet,ada",
      "5,reply,ada,x,",
      "6,,ada,,@ada hi",
    ];
    expect(await csv(rows.join("\n"))).toEqual(
      invalidRows(
        `t.csv:2 id: got "a:b"; ${ID}`,
        't.csv:3 kind: got "twet"; expected one of tweet, reply, quote, thread, content; did you mean "tweet"?',
        't.csv:4 agent: got "nobody"; expected one of ada, orbit',
        "t.csv:5 topic: got a row with 3 cells; expected 5, as the header has (text with a comma in it needs quotes around it)",
        "t.csv:6 mention: got nothing; expected text",
      ),
    );
  });

  it("for a broken line in the middle, whatever else is fine", async () => {
    expect(await check("t.jsonl", '{"agent":"ada"}\n{"agent":\n{"agent":"ada"}\n{"agent":"adda"}\n')).toEqual(
      invalidRows(
        "t.jsonl:2: got broken JSON (the end of the line); expected a JSON value: an object, a list, a string in quotation marks, a number, true, false or null",
        't.jsonl:4 agent: got "adda"; expected one of ada, orbit; did you mean "ada"?',
      ),
    );
  });

  it("for rows without an agent, when none is named on the command line", async () => {
    expect(await csv("topic\ntea\n")).toEqual(
      invalidRows("t.csv:2 agent: got nothing; expected the id of an agent: 1–128 characters of A–Z a–z 0–9 _ -"),
    );
  });

  it("for an empty prompt or mention: it is no tweet about nothing", async () => {
    expect(await csv('id,prompt\n1,p\n2,\n3," "\n')).toEqual(
      invalidRows(
        "t.csv:3 prompt: got nothing; expected text",
        't.csv:4 prompt: got " "; expected text that is not empty',
      ),
    );
    expect(await csv("agent,mention\nada,\n")).toEqual(invalidRows("t.csv:2 mention: got nothing; expected text"));
    expect(await jsonl({ agent: "ada", prompt: "" })).toEqual(
      invalidRows("t.jsonl:1 prompt: got nothing; expected text"),
    );
  });

  it("for one id with two contents, naming both lines", async () => {
    expect(await csv('id,agent,topic\n1,ada,"te\na"\n2,ada,fog\n1,ada,rain\n2,orbit,fog\n')).toEqual(
      invalidRows(
        't.csv:5 id: got "1", which line 2 has with other content; expected an id of its own',
        't.csv:6 id: got "2", which line 4 has with other content; expected an id of its own',
      ),
    );
    expect(await jsonl({ id: 42, agent: "ada" }, { id: "42", agent: "orbit" })).toEqual(
      invalidRows('t.jsonl:2 id: got "42", which line 1 has with other content; expected an id of its own'),
    );
  });

  it.each([
    ["a key as a column", "agent,api_key\nada,canary\n", `t.csv:2 context.api_key: ${NO_KEY}`],
    [
      "a reserved name as a column",
      "agent,__proto__\nada,x\n",
      "t.csv:2 context.__proto__: got a reserved name; expected a field with another name",
    ],
    [
      "NUL",
      "agent,topic\nada,a\0b\n",
      "t.csv:2 context.topic: got NUL at offset 1; expected text without NUL or lone surrogates",
    ],
    [
      "an unknown urgency",
      "agent,urgency\nada,now\n",
      't.csv:2 urgency: got "now"; expected one of reply, scheduled, bulk',
    ],
    [
      "a deadline without a zone",
      "agent,deadline\nada,2026-11-25 18:00\n",
      't.csv:2 deadline: got "2026-11-25 18:00"; expected a time with its zone, e.g. 2026-11-25T18:00:00Z, or a whole number: epoch ms',
    ],
  ])("for %s", async (_, content, message) => {
    expect(await csv(content)).toEqual(invalidRows(message));
  });

  it.each([
    ["a context that is a list", { agent: "ada", context: ["a"] }, "t.jsonl:1 context: got a list; expected an object"],
    ["a context that is a text", { agent: "ada", context: "a" }, 't.jsonl:1 context: got "a"; expected an object'],
    [
      "a nested key",
      { agent: "ada", context: { a: [{ apiKey: "canary" }] } },
      `t.jsonl:1 context.a[0].apiKey: ${NO_KEY}`,
    ],
    [
      "a kind that is no text",
      { kind: 1, agent: "ada" },
      "t.jsonl:1 kind: got 1; expected one of tweet, reply, quote, thread, content",
    ],
    [
      "a prompt that is too large",
      { prompt: "x".repeat(300_000) },
      "t.jsonl:1: got 300043 bytes; expected at most 262144 bytes (256 KiB)",
    ],
  ])("for %s", async (_, row, message) => {
    expect(await jsonl(row)).toEqual(invalidRows(message));
  });

  it("for a reserved name in JSON, which an object cannot be written with", async () => {
    expect(await check("t.jsonl", '{"agent":"ada","__proto__":{"kind":"reply"},"context":{"constructor":1}}')).toEqual(
      invalidRows(
        "t.jsonl:1 context.__proto__: got a reserved name; expected a field with another name",
        "t.jsonl:1 context.constructor: got a reserved name; expected a field with another name",
      ),
    );
  });

  it.each([
    ["t.csv", "agent,topic\n"],
    ["t.csv", "agent,topic"],
    ["t.csv", "\n \n"],
    ["t.csv", "agent,topic\n,\n"],
    ["t.csv", ""],
    ["t.jsonl", "\n\n"],
    ["t.jsonl", "\uFEFF"],
  ])("when it has no rows: %s %j", async (name, content) => {
    expect(await check(name, content)).toEqual({
      refused: ["InvalidInputError", `${name}: got 0 rows; expected at least one row`],
    });
  });

  it("with a thousand problems at most, whatever it is", async () => {
    const { refused } = await csv(`agent,topic\n${"nobody,tea\n".repeat(5000)}`);
    expect(refused).toHaveLength(1001);
  });
});

describe("rows that are no jobs may be left out", () => {
  const content = "id,agent,topic\n1,ada,tea\n2,nobody,fog\n3,orbit,rain\n4,ada\n1,ada,tea\n";
  const ragged = "3, as the header has (text with a comma in it needs quotes around it)";

  it("and are told one by one, with the row as it was read", async () => {
    await using file = await inputFile("t.csv", content);
    const rejected: InvalidRow[] = [];
    const source = { input: file.path, agent: null, knownAgents: KNOWN_AGENTS };
    const summary = await checkInput(source, { onInvalid: (row) => rejected.push(row) });
    expect(summary).toEqual({
      rows: 2,
      duplicates: 1,
      invalid: 2,
      repeats: new Set([6]),
      agents: new Set(["ada", "orbit"]),
    });
    expect(rejected.map(({ row }) => row)).toMatchObject([
      { line: 3, fields: { id: "2", agent: "nobody", topic: "fog" } },
      { line: 5, problem: { path: "topic", got: "a row with 2 cells", expected: ragged } },
    ]);
    expect(rejected.map(({ problems }) => problems.map(({ path }) => path))).toEqual([["agent"], ["topic"]]);
  });

  it("and are left out again when the input is read once more, without remembering any ids", async () => {
    await using file = await inputFile("t.csv", `${content}3,orbit,snow\n5,ada,tea\n5,ada,tea\n`);
    const source = { input: file.path, agent: null, knownAgents: KNOWN_AGENTS };
    const { repeats, rows, invalid } = await checkInput(source, { onInvalid: () => undefined });
    expect({ repeats, rows, invalid }).toEqual({ repeats: new Set([6, 7, 9]), rows: 3, invalid: 3 });
    const kinds: string[] = [];
    for await (const { is, row } of readJobs({ ...source, repeats })) kinds.push(`${row.line} ${is}`);
    expect(kinds.filter((kind) => kind.endsWith("job"))).toEqual(["2 job", "4 job", "8 job"]);
    expect(kinds.filter((kind) => kind.endsWith("duplicate"))).toEqual(["6 duplicate", "7 duplicate", "9 duplicate"]);
    const remembered: string[] = [];
    for await (const { is } of readJobs({ ...source, repeats: new Set() })) remembered.push(is);
    expect(remembered.filter((is) => is === "job")).toHaveLength(6);
  });

  it("unless there are no others", async () => {
    await using file = await inputFile("t.csv", "agent\nnobody\n");
    const source = { input: file.path, agent: null, knownAgents: KNOWN_AGENTS };
    await expect(checkInput(source, { onInvalid: () => undefined })).rejects.toThrow(InvalidRowsError);
  });
});
