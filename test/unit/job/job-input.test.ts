import { describe, expect, it } from "vitest";
import { parseJobInput, payloadOf, type JobInput } from "../../../src/job/generation-job.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";

const REPLY = { kind: "reply", agent: "ada", mention: "@ada hello" } as const;
const CONTENT = { kind: "content", prompt: "Write a haiku." } as const;

const ID = "expected 1–128 characters of A–Z a–z 0–9 _ -, or an integer from 0 to 9007199254740991";
const AGENT = "expected the id of an agent: 1–128 characters of A–Z a–z 0–9 _ -";
const TEXT = "expected text without NUL or lone surrogates";
const ANY_JSON = "expected a JSON value: text, a number, true, false, null, a list or an object";
const NO_KEY =
  "got a field for a secret (its value is not shown); expected no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)";

/** The message of the error that a job is refused with. */
function refusal(input: unknown, ...where: [source?: string, line?: number]): string {
  try {
    parseJobInput(input, ...where);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.message;
    throw error;
  }
  return "accepted";
}

/** As it comes from a file: `__proto__` is a field like any other there. */
function refusalOfJson(json: string): string {
  return refusal(JSON.parse(json));
}

describe("a job is accepted", () => {
  it("with defaults filled in", () => {
    expect(parseJobInput({ kind: "tweet", agent: "ada" })).toEqual({ kind: "tweet", agent: "ada", context: {} });
    expect(parseJobInput(REPLY)).toEqual({ ...REPLY, conversation_history: [], context: {} });
    expect(parseJobInput(CONTENT)).toEqual({ ...CONTENT, context: {} });
  });

  it("with everything given", () => {
    const given = { id: "row-1", urgency: "bulk", context: { topic: "tea", n: 1.5, b: [true, null, { deep: "x" }] } };
    expect(parseJobInput({ ...CONTENT, agent: "ada", ...given })).toEqual({ ...CONTENT, agent: "ada", ...given });
  });

  it("when fields that may be left out are undefined", () => {
    const input = { ...CONTENT, id: undefined, agent: undefined, urgency: undefined, context: { mood: undefined } };
    expect(payloadOf(parseJobInput(input))).toEqual({ ...CONTENT, context: {} });
  });

  it.each([
    [42, "42"],
    [0, "0"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    ["42", "42"],
    ["a_B-9", "a_B-9"],
    ["x".repeat(128), "x".repeat(128)],
  ])("under the id %j", (id, expected) => {
    expect(parseJobInput({ ...CONTENT, id }).id).toBe(expected);
  });

  it.each([
    ["Arabic and Hebrew", "مرحبا ‏שלום‎"],
    ["bidi controls", "\u202eabc\u202c \u2066x\u2069 \u061c"],
    ["an emoji made of several", "👩‍👩‍👧‍👦 🏴‍☠️ 👍🏽"],
    ["combining marks in both forms", "é e\u0301"],
    ["line breaks of all kinds", "a\r\nb\rc\u2028d\u0085e"],
    ["other control characters", "\u0001\u001b[31m\u007f"],
  ])("with %s, kept byte for byte", (_, text) => {
    const job = parseJobInput({ ...REPLY, mention: text, conversation_history: [text], context: { topic: text } });
    expect(payloadOf(job)).toEqual({
      kind: "reply",
      mention: text,
      conversationHistory: [{ author: null, text }],
      context: { topic: text },
    });
  });

  it("with white space around the text, kept as it is", () => {
    expect(parseJobInput({ ...CONTENT, prompt: "  hi\n" })).toMatchObject({ prompt: "  hi\n" });
  });

  it("at exactly 256 KiB", () => {
    const rest = JSON.stringify({ ...CONTENT, prompt: "" }).length;
    expect(refusal({ ...CONTENT, prompt: "x".repeat(256 * 1024 - rest) })).toBe("accepted");
    expect(refusal({ ...CONTENT, prompt: "x".repeat(256 * 1024 - rest + 1) })).toBe(
      "job: got 262145 bytes; expected at most 262144 bytes (256 KiB)",
    );
  });

  it("at 32 levels, its own included", () => {
    const nested = (levels: number): unknown => (levels === 0 ? "x" : [nested(levels - 1)]);
    expect(refusal({ ...CONTENT, context: { a: nested(30) } })).toBe("accepted");
    expect(refusal({ ...CONTENT, context: { a: nested(31) } })).toBe(
      "job: got more than 32 nested levels; expected at most 32 levels",
    );
  });
});

describe("a deadline", () => {
  const EXPECTED = "expected a time with its zone, e.g. 2026-11-25T18:00:00Z, or a whole number: epoch ms";
  const DAY_MS = 24 * 3600_000;
  const at = Date.UTC(2026, 10, 25, 18);
  const parsed = (deadline: unknown): unknown => parseJobInput({ ...CONTENT, deadline }).deadline;

  it.each([
    ["2026-11-25T18:00:00Z", at],
    ["2026-11-25T18:00Z", at],
    ["2026-11-25T18:00:00.250Z", at + 250],
    ["2026-11-25T20:00:00+02:00", at],
    ["2026-11-25T12:30:00-05:30", at],
    [at, at],
    [String(at), at],
    ["2001-02-03T04:05:06Z", 981_173_106_000],
    [0, 0],
  ])("%j is epoch ms inside, also when it is over", (deadline, expected) => {
    expect(parsed(deadline)).toBe(expected);
  });

  it("may be left out, and is no part of what is written", () => {
    expect(parseJobInput(CONTENT)).not.toHaveProperty("deadline");
    expect(parsed(undefined)).toBeUndefined();
    expect(payloadOf(parseJobInput({ ...CONTENT, deadline: at }))).toEqual(payloadOf(parseJobInput(CONTENT)));
  });

  it.each([
    ["2026-11-25T18:00:00", '"2026-11-25T18:00:00"'],
    ["2026-11-25", '"2026-11-25"'],
    ["2026-02-30T18:00:00Z", '"2026-02-30T18:00:00Z"'],
    ["25 Nov 2026 18:00 UTC", '"25 Nov 2026 18:00 UTC"'],
    ["tomorrow", '"tomorrow"'],
    ["10m", '"10m"'],
    ["", '""'],
    ["9".repeat(30), `"${"9".repeat(30)}"`],
    [-1, "-1"],
    [1.5, "1.5"],
    [1e300, "1e+300"],
    [null, "null"],
    [true, "true"],
    [[at], "a list"],
  ])("%j is refused with what is expected", (deadline, got) => {
    expect(refusal({ ...CONTENT, deadline })).toBe(`job deadline: got ${got}; ${EXPECTED}`);
  });

  it("is at most 400 days ahead", () => {
    const near = Date.now() + 399 * DAY_MS;
    const far = Date.now() + 401 * DAY_MS;
    expect(parsed(near)).toBe(near);
    expect(refusal({ ...CONTENT, deadline: far })).toBe(
      `job deadline: got ${far}; expected a time at most 400 days ahead`,
    );
    const iso = new Date(far).toISOString();
    expect(refusal({ ...CONTENT, deadline: iso }, "jobs.jsonl", 7)).toBe(
      `jobs.jsonl:7 deadline: got "${iso}"; expected a time at most 400 days ahead`,
    );
  });
});

describe("the conversation", () => {
  const HISTORY = [{ author: "bob", text: "first" }, { text: "second" }, "third"];
  const PARSED = [
    { author: "bob", text: "first" },
    { author: null, text: "second" },
    { author: null, text: "third" },
  ];

  it("is a list of texts and of messages with an author", () => {
    expect(parseJobInput({ ...REPLY, conversation_history: HISTORY })).toMatchObject({ conversation_history: PARSED });
  });

  it("may be a single text", () => {
    expect(parseJobInput({ ...REPLY, conversation_history: "once" })).toMatchObject({
      conversation_history: [{ author: null, text: "once" }],
    });
  });

  it("means the same inside the context, where the source has it", () => {
    const inside = parseJobInput({ ...REPLY, context: { conversation_history: HISTORY, mood: "calm" } });
    expect(inside).toEqual(parseJobInput({ ...REPLY, conversation_history: HISTORY, context: { mood: "calm" } }));
    const besideNothing = { ...REPLY, conversation_history: [], context: { conversation_history: HISTORY } };
    expect(parseJobInput(besideNothing)).toEqual(parseJobInput({ ...REPLY, conversation_history: HISTORY }));
  });

  it("is no more than context for a tweet", () => {
    const context = { conversation_history: ["x"] };
    expect(parseJobInput({ kind: "tweet", agent: "ada", context })).toMatchObject({ context });
  });

  it("is refused when there are two", () => {
    expect(refusal({ ...REPLY, conversation_history: ["a"], context: { conversation_history: ["b"] } })).toBe(
      "job context.conversation_history: got a second history; expected one: conversation_history beside or inside context",
    );
  });

  it("names the message that is wrong", () => {
    const history = ["fine", { author: "a", txt: "b" }, 7, { author: 1, text: "c" }, "bad\0"];
    expect(refusal({ ...REPLY, conversation_history: history }).split("\n")).toEqual([
      `job conversation_history[4]: got NUL at offset 3; ${TEXT}`,
      "job conversation_history[1].text: got nothing; expected text",
      'job conversation_history[1].txt: got an unknown field; expected one of author, text; did you mean "text"?',
      'job conversation_history[2]: got 7; expected text, or an object {"author", "text"}',
      "job conversation_history[3].author: got 1; expected text",
    ]);
    expect(refusal({ ...REPLY, conversation_history: 7 })).toBe(
      "job conversation_history: got 7; expected a list of messages",
    );
  });
});

describe("a job is refused", () => {
  it.each([
    ["no prompt", { kind: "content" }, "job prompt: got nothing; expected text"],
    ["an empty prompt", { ...CONTENT, prompt: "" }, 'job prompt: got ""; expected text that is not empty'],
    [
      "a prompt of white space",
      { ...CONTENT, prompt: " \n\t" },
      'job prompt: got " \\n\\t"; expected text that is not empty',
    ],
    ["a prompt that is no text", { ...CONTENT, prompt: ["a"] }, "job prompt: got a list; expected text"],
    ["an empty mention", { ...REPLY, mention: "" }, 'job mention: got ""; expected text that is not empty'],
    ["NUL", { ...CONTENT, prompt: "ab\0c\0" }, `job prompt: got NUL at offset 2; ${TEXT}`],
    ["half an emoji", { ...CONTENT, prompt: "👍 \ud83d!" }, `job prompt: got a lone surrogate at offset 3; ${TEXT}`],
    ["the other half", { ...CONTENT, prompt: "\udc4d" }, `job prompt: got a lone surrogate at offset 0; ${TEXT}`],
    [
      "a 10 MB prompt",
      { ...CONTENT, prompt: "x".repeat(1e7) },
      "job: got 10000030 bytes; expected at most 262144 bytes (256 KiB)",
    ],
    [
      "a large text in few characters",
      { ...CONTENT, prompt: "字".repeat(100_000) },
      "job: got 300030 bytes; expected at most 262144 bytes (256 KiB)",
    ],
    ["no kind", { prompt: "x" }, "job kind: got nothing; expected one of tweet, reply, quote, thread, content"],
    [
      "an unknown kind",
      { kind: "twet" },
      'job kind: got "twet"; expected one of tweet, reply, quote, thread, content; did you mean "tweet"?',
    ],
    [
      "a kind that is no text",
      { kind: ["tweet"] },
      "job kind: got a list; expected one of tweet, reply, quote, thread, content",
    ],
    [
      "an inherited name as kind",
      { kind: "toString" },
      'job kind: got "toString"; expected one of tweet, reply, quote, thread, content',
    ],
    ["no agent", { kind: "tweet" }, `job agent: got nothing; ${AGENT}`],
    ["an agent with spaces", { kind: "tweet", agent: "a b" }, `job agent: got "a b"; ${AGENT}`],
    [
      "an unknown urgency",
      { ...CONTENT, urgency: "Bulk" },
      'job urgency: got "Bulk"; expected one of reply, scheduled, bulk; did you mean "bulk"?',
    ],
    ["a context that is a text", { ...CONTENT, context: "tea" }, 'job context: got "tea"; expected an object'],
    ["a context that is a list", { ...CONTENT, context: [] }, "job context: got a list; expected an object"],
    ["a context that is null", { ...CONTENT, context: null }, "job context: got null; expected an object"],
    [
      "a misspelt field",
      { ...CONTENT, promt: "x" },
      'job promt: got an unknown field; expected one of kind, prompt, agent, id, urgency, deadline, delivery, cache, context; did you mean "prompt"?',
    ],
    [
      "another kind's field",
      { kind: "tweet", agent: "ada", mention: "x" },
      "job mention: got an unknown field; expected one of kind, agent, id, urgency, deadline, delivery, cache, context",
    ],
    ["nothing", undefined, "job: got nothing; expected an object: the fields of one job"],
    ["null", null, "job: got null; expected an object: the fields of one job"],
    ["a text", "tweet", 'job: got "tweet"; expected an object: the fields of one job'],
    ["a list", [CONTENT], "job: got a list; expected an object: the fields of one job"],
  ])("for %s", (_, input, message) => {
    expect(refusal(input)).toBe(message);
  });

  it.each([
    ["a:b", '"a:b"'],
    ["", '""'],
    ["ä", '"ä"'],
    [" 42", '" 42"'],
    ["x".repeat(129), `"${"x".repeat(59)}…`],
    ["x".repeat(10_000), `"${"x".repeat(59)}…`],
    [-1, "-1"],
    [1.5, "1.5"],
    [2 ** 53, "9007199254740992"],
    [1e21, "1e+21"],
    [null, "null"],
    [true, "true"],
  ])("for the id %j", (id, got) => {
    expect(refusal({ ...CONTENT, id })).toBe(`job id: got ${got}; ${ID}`);
  });

  it.each([
    ["NaN", Number.NaN, "got NaN; expected a finite number"],
    ["Infinity", -Infinity, "got -Infinity; expected a finite number"],
    ["a bigint", 10n, `got 10; ${ANY_JSON}`],
    ["a function", () => 1, `got a function; ${ANY_JSON}`],
    ["a symbol", Symbol("x"), `got a symbol; ${ANY_JSON}`],
    ["a date", new Date(0), "got an object of class Date; expected plain JSON"],
    ["a map", new Map(), "got an object of class Map; expected plain JSON"],
    ["half an emoji", "\ud83d", `got a lone surrogate at offset 0; ${TEXT}`],
  ])("for %s anywhere in the context", (_, value, fault) => {
    expect(refusal({ ...CONTENT, context: { a: value } })).toBe(`job context.a: ${fault}`);
    expect(refusal({ ...CONTENT, context: { a: [1, { b: value }] } })).toBe(`job context.a[1].b: ${fault}`);
  });

  it("for a hole in a list", () => {
    expect(refusal({ ...CONTENT, context: { a: [1, undefined] } })).toBe(`job context.a[1]: got nothing; ${ANY_JSON}`);
  });

  it("for an object that contains itself, and one that is nested without end", () => {
    const context: Record<string, unknown> = { a: 1 };
    context["self"] = { context };
    const message = "job: got more than 32 nested levels; expected at most 32 levels";
    expect(refusal({ ...CONTENT, context })).toBe(message);
    expect(
      refusalOfJson(`{"kind":"content","prompt":"p","context":{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}}`),
    ).toBe(message);
  });

  it.each(["__proto__", "constructor", "prototype"])("for the name %s", (name) => {
    const fault = "got a reserved name; expected a field with another name";
    const json = (context: string) => `{"kind":"content","prompt":"p",${context}}`;
    expect(refusalOfJson(json(`"${name}":{"a":1}`))).toBe(`job ${name}: ${fault}`);
    expect(refusalOfJson(json(`"context":{"${name}":{"a":1}}`))).toBe(`job context.${name}: ${fault}`);
    expect(refusalOfJson(json(`"context":{"a":[{"${name}":1}]}`))).toBe(`job context.a[0].${name}: ${fault}`);
    const reply = `{"kind":"reply","agent":"a","mention":"m","context":{"${name}":{},"conversation_history":[]}}`;
    expect(refusalOfJson(reply)).toBe(`job context.${name}: ${fault}`);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  it.each(["api_key", "apiKey", "OPENAI_API_KEY", "x-api-key", "password", "access_token", "secretKey"])(
    "for %s, whose value is not shown",
    (name) => {
      const place = /^\w+$/.test(name) ? `.${name}` : `["${name}"]`;
      expect(refusal({ ...CONTENT, context: { [name]: "canary" } })).toBe(`job context${place}: ${NO_KEY}`);
      expect(refusal({ ...CONTENT, context: { a: { [name]: { canary: 1 } } } })).toBe(
        `job context.a${place}: ${NO_KEY}`,
      );
      expect(refusal({ ...CONTENT, [name]: "canary" })).toBe(`job ${place.replace(/^\./, "")}: ${NO_KEY}`);
    },
  );

  it("for a key as a name, which is not shown either", () => {
    const message = refusal({ ...CONTENT, context: { "sk-abcdefghijklmnop1234567890": 1 } });
    expect(message).toBe(`job context[not shown]: ${NO_KEY}`);
  });

  it("for names that are too long or not well-formed", () => {
    expect(refusal({ ...CONTENT, context: { ["x".repeat(129)]: 1 } })).toBe(
      "job context: got a name of 129 characters; expected names of at most 128",
    );
    expect(refusal({ ...CONTENT, context: { a: { "b\0": 1 } } })).toBe(
      `job context.a: got a name with NUL at offset 1; ${TEXT}`,
    );
  });

  it("for everything that is wrong with it at once, with file and line", () => {
    const job = { kind: "content", prompt: " ", id: "a:b", context: { api_key: 1, n: Number.NaN }, extra: 1 };
    expect(refusal(job, "jobs.jsonl", 7).split("\n")).toEqual([
      `jobs.jsonl:7 context.api_key: ${NO_KEY}`,
      "jobs.jsonl:7 context.n: got NaN; expected a finite number",
      'jobs.jsonl:7 prompt: got " "; expected text that is not empty',
      `jobs.jsonl:7 id: got "a:b"; ${ID}`,
      "jobs.jsonl:7 extra: got an unknown field; expected one of kind, prompt, agent, id, urgency, deadline, delivery, cache, context",
    ]);
  });

  it("without showing what looks like a key", () => {
    const key = "sk-proj-abcdefghijklmnop1234567890";
    expect(refusal({ ...CONTENT, id: key, urgency: key, kind: key })).not.toContain("abcdefghijklmnop");
    expect(refusal({ ...CONTENT, urgency: key })).toBe(
      "job urgency: got what looks like a key (not shown); expected one of reply, scheduled, bulk",
    );
  });
});

it("lets TypeScript accept what is accepted", () => {
  const inputs: JobInput[] = [
    { kind: "tweet", agent: "ada", id: 42, context: { topic: "tea", recent_events: ["a"] } },
    {
      kind: "reply",
      agent: "ada",
      mention: "m",
      conversation_history: ["a", { author: null, text: "b" }, { text: "c" }],
    },
    { kind: "reply", agent: "ada", mention: "m", conversation_history: "a", urgency: "bulk" },
    { kind: "content", prompt: "p", id: undefined },
    { kind: "tweet", agent: "ada", deadline: "2026-11-25T18:00:00+01:00" },
    { kind: "content", prompt: "p", deadline: 1_795_000_000_000 },
  ];
  expect(inputs.map((input) => refusal(input))).toEqual(inputs.map(() => "accepted"));
});
