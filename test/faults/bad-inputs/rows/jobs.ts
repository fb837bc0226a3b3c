import type { Row } from "../matrix-types.ts";
import {
  agentFile,
  agentObject,
  but,
  configFile,
  flags,
  inAgentFile,
  job,
  posted,
  program,
  rows,
  shown,
  USAGE,
  variables,
} from "./cases.ts";

/* Rows about what a job says. */

const CONTENT_FIELDS = "got an unknown field; expected one of kind, prompt, …";
const MEANT = (word: string): string => `; did you mean "${word}"?`;

const unknownField: Row = {
  id: "unknown-field",
  input: "unknown field `temprature`",
  expected: "error with a suggestion",
  cells: {
    "agent file": [
      inAgentFile(
        '"llm_config": {"temprature": 1}',
        `llm_config.temprature: got an unknown field; expected one of model, …${MEANT("temperature")}`,
      ),
    ],
    library: [
      agentObject(
        "an agent with nme",
        { nme: "A" },
        `nme: got an unknown field; expected one of id, …${MEANT("name")}`,
      ),
      job(
        "content with promt",
        { kind: "content", prompt: "p", promt: "x" },
        `promt: ${CONTENT_FIELDS}${MEANT("prompt")}`,
      ),
    ],
    CLI: [
      flags("enqueue tweet --agent ada --contxt a=b", "unknown option '--contxt'", "(Did you mean --context?)", USAGE),
    ],
    HTTP: [
      posted(
        "content with promt",
        { kind: "content", prompt: "p", promt: "x" },
        `promt: ${CONTENT_FIELDS}${MEANT("prompt")}`,
      ),
    ],
    CSV: [but(rows("t.csv", "agent,Topic\nada,tea\n", 't.csv:1 column 2: got "Topic"; expected topic'), { ends: 2 })],
    JSONL: [
      rows(
        "t.jsonl",
        '{"agent": "ada", "mention": "hi", "conversation_history": [{"txt": "x"}]}\n',
        "t.jsonl:1 conversation_history[0].text: got nothing; expected text",
        `t.jsonl:1 conversation_history[0].txt: got an unknown field; expected one of author, text${MEANT("text")}`,
      ),
    ],
    environment: [
      configFile(
        '{"retires": {}, "retries": {"atempts": 3}}',
        `retries.atempts: got an unknown field; expected one of attempts, …${MEANT("attempts")}`,
        `retires: got an unknown field; expected one of retries, …${MEANT("retries")}`,
      ),
    ],
  },
};

const RESERVED = "got a reserved name; expected a field with another name";

const reservedNames: Row = {
  id: "reserved-names",
  input: "`__proto__`, `constructor` keys",
  expected: "refused",
  cells: {
    "agent file": [
      inAgentFile(
        '"__proto__": {"canary": 1}, "llm_config": {"constructor": 1}',
        `__proto__: ${RESERVED}`,
        `llm_config.constructor: ${RESERVED}`,
      ),
    ],
    library: [
      agentObject("an agent with constructor", { constructor: 1 }, `constructor: ${RESERVED}`),
      job(
        "a tweet with __proto__ in its context",
        JSON.parse('{"kind": "tweet", "agent": "ada", "context": {"__proto__": {"canary": 1}}}'),
        `context.__proto__: ${RESERVED}`,
      ),
    ],
    CLI: [
      flags(
        "enqueue tweet --agent ada --context __proto__=x --context constructor=y",
        `job context.__proto__: ${RESERVED}`,
        `job context.constructor: ${RESERVED}`,
      ),
    ],
    HTTP: [
      posted(
        "a tweet with __proto__, and another fault",
        '{"kind": "tweet", "agent": "mia", "__proto__": {"canary": 1}, "urgency": "now"}',
        `__proto__: ${RESERVED}`,
        'urgency: got "now"; expected one of reply, scheduled, bulk',
      ),
    ],
    CSV: [rows("t.csv", "agent,__proto__\nada,x\n", `t.csv:2 context.__proto__: ${RESERVED}`)],
    JSONL: [
      rows(
        "t.jsonl",
        '{"agent": "ada", "__proto__": {"canary": 1}, "context": {"constructor": 1}}\n',
        `t.jsonl:1 context.__proto__: ${RESERVED}`,
        `t.jsonl:1 context.constructor: ${RESERVED}`,
      ),
    ],
    environment: [
      configFile(
        '{"__proto__": {"canary": 1}, "retries": {"constructor": 1}, "limitGroups": {"__proto__": []}}',
        `__proto__: ${RESERVED}`,
        `retries.constructor: ${RESERVED}`,
        `limitGroups.__proto__: ${RESERVED}`,
      ),
    ],
  },
};

const NOT_EMPTY = "expected text that is not empty";
const CLEAN = "expected text without NUL or lone surrogates";
const SIZE = "expected at most 262144 bytes (256 KiB)";
const content = (prompt: string) => ({ kind: "content", prompt });
const BLANK = "expected text that is not blank (leave the field out if there is none)";

const prompts: Row = {
  id: "prompt",
  input: "prompt empty, white space, 10 MB; NUL or a lone surrogate",
  expected: "error (limit 256 KiB, HTTP 413; offset of the bad character)",
  cells: {
    "agent file": [
      inAgentFile('"custom_system_prompt": ""', `custom_system_prompt: got ""; ${BLANK}`),
      inAgentFile('"custom_system_prompt": " \\n"', `custom_system_prompt: got " \\n"; ${BLANK}`),
      but(
        inAgentFile(
          `"custom_system_prompt": "${"x".repeat(300_000)}"`,
          `custom_system_prompt: got 300000 bytes; ${SIZE}`,
        ),
        {
          given: '"custom_system_prompt" of 300,000 bytes',
        },
      ),
      inAgentFile(
        '"custom_system_prompt": "ab\\u0000"',
        "custom_system_prompt: got a NUL character at offset 2; expected text without it",
      ),
      inAgentFile(
        '"custom_system_prompt": "ab\\ud83d"',
        "custom_system_prompt: got half a surrogate pair at offset 2; expected well-formed text",
      ),
    ],
    library: [
      job('prompt ""', content(""), `prompt: got ""; ${NOT_EMPTY}`),
      job("a prompt of 10 MB", content("x".repeat(10_000_000)), `: got 10000030 bytes; ${SIZE}`),
      job("NUL in a prompt", content("ab\0"), `prompt: got NUL at offset 2; ${CLEAN}`),
      job("half an emoji in a prompt", content("ab\ud83d"), `prompt: got a lone surrogate at offset 2; ${CLEAN}`),
    ],
    CLI: [
      {
        given: 'enqueue content --prompt " "',
        attempt: program(["enqueue", "content", "--prompt", " "]),
        ends: 2,
        says: [`job prompt: got " "; ${NOT_EMPTY}`],
      },
      {
        given: "enqueue content --prompt, with 300,000 bytes",
        attempt: program(["enqueue", "content", "--prompt", "x".repeat(300_000)]),
        ends: 2,
        says: [`job: got 300043 bytes; ${SIZE}`],
      },
    ],
    HTTP: [
      posted("prompt white space", content(" \n"), `prompt: got " \\n"; ${NOT_EMPTY}`),
      but(posted("a prompt of 300,000 bytes", content("x".repeat(300_000)), `: got 300030 bytes; ${SIZE}`), {
        ends: 413,
      }),
      but(posted("a prompt of 10 MB", content("x".repeat(10_000_000))), {
        ends: 413,
        says: ["body: got more than 524288 bytes; expected at most 524288 bytes"],
      }),
      posted("NUL in a prompt", content("ab\0"), `prompt: got NUL at offset 2; ${CLEAN}`),
      posted(
        "half an emoji in a prompt",
        '{"kind": "content", "prompt": "ab\\ud83d"}',
        `prompt: got a lone surrogate at offset 2; ${CLEAN}`,
      ),
    ],
    CSV: [
      rows(
        "t.csv",
        'id,prompt\n1,\n2," "\n3,a\0b\n',
        "t.csv:2 prompt: got nothing; expected text",
        `t.csv:3 prompt: got " "; ${NOT_EMPTY}`,
        `t.csv:4 prompt: got NUL at offset 1; ${CLEAN}`,
      ),
      but(rows("t.csv", `prompt\n${"x".repeat(300_000)}\n`, `t.csv:2: got 300043 bytes; ${SIZE}`), {
        given: "a prompt of 300,000 bytes",
      }),
    ],
    JSONL: [
      rows(
        "t.jsonl",
        '{"prompt": ""}\n{"prompt": "a\\ud83d"}\n',
        "t.jsonl:1 prompt: got nothing; expected text",
        `t.jsonl:2 prompt: got a lone surrogate at offset 1; ${CLEAN}`,
      ),
      but(rows("t.jsonl", `{"prompt": "${"x".repeat(300_000)}"}\n`, `t.jsonl:1: got 300043 bytes; ${SIZE}`), {
        given: "a prompt of 300,000 bytes",
      }),
    ],
    environment: "there is no prompt in it",
  },
};

/** Hebrew between bidi controls, Arabic, a family of four joined by ZWJ. */
const TEXT = "\u202eשלום\u202c مرحبا 👩‍👩‍👧‍👦";
const reply = (id: string, agent: string) => ({ kind: "reply", agent, mention: TEXT, id });
const KEPT = "… enqueued in lane …";

const bidi: Row = {
  id: "bidi",
  input: "RTL, bidi, emoji with ZWJ",
  expected: "kept byte for byte; logs escape bidi controls",
  cells: {
    "agent file": [
      shown(
        "a persona with bidi controls, joined emoji and every script",
        "test/unit/agents/parse-agent.test.ts › keeps bidi controls, joined emoji and every script as they are",
        "loaded",
      ),
    ],
    library: [
      {
        given: "a mention with all of it",
        attempt: { by: "library", jobs: [reply("bidi-library", "ada")] },
        ends: "accepted",
        says: [KEPT],
        keeps: { id: "bidi-library", text: TEXT },
      },
    ],
    CLI: [
      {
        given: "enqueue reply --mention, with all of it",
        attempt: program(["enqueue", "reply", "--agent", "ada", "--id", "bidi-cli", "--mention", TEXT]),
        ends: 0,
        says: [KEPT],
        keeps: { id: "bidi-cli", text: TEXT },
      },
      shown(
        "the same in what is logged",
        "test/unit/platform/logger.test.ts › bidi and control characters are escaped in JSON",
        "logged",
        "\\u202e…",
      ),
    ],
    HTTP: [
      {
        given: "a mention with all of it",
        attempt: { by: "http", line: "POST /api/v1/jobs", body: JSON.stringify(reply("bidi-http", "mia")) },
        ends: 201,
        says: ['{"id":"bidi-http",…'],
        keeps: { id: "bidi-http", text: TEXT },
      },
    ],
    CSV: [
      shown(
        "a cell with bidi controls and joiners",
        "test/unit/bulk/read-csv.test.ts › with cells that a spreadsheet would take for formulas, and white space, untouched",
        "read",
      ),
    ],
    JSONL: [
      shown(
        "a text with bidi controls and joined emoji",
        "test/unit/bulk/read-jsonl.test.ts › with bidi controls and joined emoji, byte for byte",
        "read",
      ),
    ],
    environment: "there are no texts in it",
  },
};

const ID = "expected 1–128 characters of A–Z a–z 0–9 _ -, or an integer from 0 to 9007199254740991";
const AGENT_ID = "expected 1–128 characters of A–Z a–z 0–9 _ -";
const LONG = "x".repeat(10_000);
const LONG_SHOWN = `"${"x".repeat(59)}…`;
const withId = (id: unknown) => ({ ...content("p"), id });

const jobIds: Row = {
  id: "job-id",
  input: "job id with `:`, empty, 10 kB",
  expected: "`[A-Za-z0-9_-]{1,128}`; integers such as 42 are fine (stored with a prefix)",
  cells: {
    "agent file": [
      agentFile(
        '{"id": "a:b", "name": "Ada"}',
        { "agents/ada.json": '{"id": "a:b", "name": "Ada"}' },
        `agents/ada.json:1 id: got "a:b"; ${AGENT_ID}`,
      ),
    ],
    library: [
      job('id "a:b"', withId("a:b"), `id: got "a:b"; ${ID}`),
      job('id ""', withId(""), `id: got ""; ${ID}`),
      job("an id of 10 kB", withId(LONG), `id: got ${LONG_SHOWN}; ${ID}`),
      {
        given: "id 42",
        attempt: { by: "library", jobs: [withId(42)] },
        ends: "accepted",
        says: ["42 enqueued in lane …"],
        keeps: { id: "42", text: "p" },
      },
    ],
    CLI: [
      flags("enqueue tweet --agent ada --id a:b", `job id: got "a:b"; ${ID}`),
      but(flags("enqueue tweet --agent ada --id ", `job id: got ""; ${ID}`), {
        given: 'enqueue tweet --agent ada --id ""',
      }),
      flags("usage --by agent --days 0", "option '--days <n>' argument '0' is invalid. Expected 1–400.", USAGE),
    ],
    HTTP: [
      posted('id "a:b"', withId("a:b"), `id: got "a:b"; ${ID}`),
      posted("an id of 10 kB", withId(LONG), `id: got ${LONG_SHOWN}; ${ID}`),
      {
        given: "the header Idempotency-Key: a:b",
        attempt: {
          by: "http",
          line: "POST /api/v1/jobs",
          headers: { "idempotency-key": "a:b" },
          body: JSON.stringify(content("p")),
        },
        ends: 400,
        says: [`headers ["idempotency-key"]: got "a:b"; ${AGENT_ID}, with or without quotation marks`],
      },
      {
        given: "GET /api/v1/jobs/a:b",
        attempt: { by: "http", line: "GET /api/v1/jobs/a:b" },
        ends: 400,
        says: [`path id: got "a:b"; ${AGENT_ID}`],
      },
    ],
    CSV: [rows("t.csv", "id,agent\na:b,ada\n", `t.csv:2 id: got "a:b"; ${ID}`)],
    JSONL: [
      rows(
        "t.jsonl",
        '{"id": "", "agent": "ada"}\n{"id": 1.5, "agent": "ada"}\n{"id": "a b", "agent": "ada"}\n',
        `t.jsonl:2 id: got 1.5; ${ID}`,
        `t.jsonl:3 id: got "a b"; ${ID}`,
      ),
    ],
    environment: [
      variables(
        { PUPPET_ENGINE_NAMESPACE: "a:b" },
        'PUPPET_ENGINE_NAMESPACE: got "a:b"; expected 1–64 characters of A–Z a–z 0–9 _ -',
      ),
    ],
  },
};

export const JOB_ROWS = { unknownField, reservedNames, prompts, bidi, jobIds };
