import type { Row, TriedCase } from "../matrix-types.ts";
import { agentFile, bulk, but, configFile, dryRun, flags, never, program, rows, shown, variables } from "./cases.ts";

/* Rows about files that are broken, empty, missing or in the way. */

const VALUE = "expected a JSON value: …";
const SKIPPED = '{"agent": "echo", "id": "skip-NAME"}\n{"agent":\n';

const brokenLines: Row = {
  id: "broken-line",
  input: "JSONL with a broken line in the middle",
  expected: "nothing enqueued, exit 3; `--skip-invalid` writes a rejects file",
  cells: {
    "agent file": [
      agentFile(
        "a comma too few",
        { "agents/ada.json": '{"id": "ada"\n"name": "Ada"}' },
        "agents/ada.json:2: got a string; expected a comma before it",
      ),
    ],
    library: [
      shown(
        "enqueueMany with wrong jobs among right ones",
        "test/integration/whole-path/identity.test.ts › refused inputs of a batch do not hold the others up; each is told with its index",
        "accepted, but for those",
        "each by its index",
      ),
    ],
    CLI: "a command line has no lines",
    HTTP: [
      {
        given: '{"kind":\n tweet}',
        attempt: { by: "http", line: "POST /api/v1/jobs", body: '{"kind":\n tweet}' },
        ends: 400,
        says: [`body:2: got tweet; ${VALUE}`],
      },
      {
        given: "a batch with a job that is wrong",
        attempt: { by: "http", line: "POST /api/v1/jobs/batch", body: '{"jobs": [{"kind": "twet"}]}' },
        ends: 200,
        says: ['…"refused":1…job kind: got \\"twet\\"; expected one of tweet, …'],
      },
    ],
    CSV: [
      rows(
        "t.csv",
        "agent,topic\nada,tea\nada\nada,fog\n",
        "t.csv:3 topic: got a row with 1 cell; expected 2, as the header has (text with a comma in it needs quotes around it)",
      ),
      {
        given: "the same with --skip-invalid: out.jsonl.rejects.jsonl",
        attempt: {
          ...bulk("t.csv", "agent,id\necho,skip-csv\necho\n", "--skip-invalid", "--worker", "--fake"),
          leaves: "out.jsonl.rejects.jsonl",
        },
        ends: 3,
        says: [
          "note: 1 rows are wrong and left out; see out.jsonl.rejects.jsonl",
          '{"line":3,"problems":["t.csv:3 id: got a row with 1 cell; …"],"row":null}',
        ],
      },
    ],
    JSONL: [
      rows(
        "t.jsonl",
        '{"agent": "ada"}\n{"agent":\n{"agent": "ada"}\n',
        `t.jsonl:2: got broken JSON (the end of the line); ${VALUE}`,
      ),
      {
        given: "the same with --skip-invalid: out.jsonl.rejects.jsonl",
        attempt: {
          ...bulk("t.jsonl", SKIPPED.replace("NAME", "jsonl"), "--skip-invalid", "--worker", "--fake"),
          leaves: "out.jsonl.rejects.jsonl",
        },
        ends: 3,
        says: [
          "note: 1 rows are wrong and left out; see out.jsonl.rejects.jsonl",
          '{"line":2,"problems":["t.jsonl:2: got broken JSON (the end of the line); …"],"row":null}',
        ],
      },
    ],
    environment: [configFile('{"retries": {"attempts": }}', `: got }; ${VALUE}`)],
  },
};

const ZERO = "got 0 rows; expected at least one row";
const noFile = (name: string): readonly TriedCase[] => [
  dryRun(
    name,
    "no final newline, and blank lines",
    name === "t.csv" ? "\n\nagent,topic\n\nada,tea" : '\n\n{"agent": "ada"}',
  ),
  but(rows("t.csv", ""), { given: "an empty file", attempt: bulk(name, ""), ends: 2, says: [`${name}: ${ZERO}`] }),
  {
    given: "a folder",
    attempt: program(["bulk", name, "--out", "out.jsonl"], { [name]: null }),
    ends: 2,
    says: [`${name}: got a folder; expected a file`],
  },
  {
    given: "a missing file",
    attempt: program(["bulk", name, "--out", "out.jsonl"]),
    ends: 2,
    says: [`${name}: got nothing: it does not exist; expected a file`],
  },
];

const noFiles: Row = {
  id: "empty-or-missing",
  input: "no final newline, blank lines / empty file / directory / missing file",
  expected: 'fine / exit 2 "0 rows" / exit 2 with the reason',
  cells: {
    "agent file": [
      agentFile("an empty file", { "agents/ada.json": "" }, `agents/ada.json:1: got the end of the file; ${VALUE}`),
      agentFile(
        "a folder in its place",
        { "agents/ada.json": null },
        "agents/ada.json: got a folder; expected a file that can be read",
      ),
      agentFile(
        "an empty folder",
        { agents: null },
        'agents: got no *.json file in this folder; expected at least one, e.g. ada.json with {"id": "ada", "name": "Ada"}',
      ),
      {
        given: "a missing folder (AGENTS_DIR)",
        attempt: program(["enqueue", "tweet", "--agent", "ada"], {}, { AGENTS_DIR: "nowhere" }),
        ends: 2,
        says: ["nowhere: got nothing: it does not exist; expected a folder with one *.json file for each agent, …"],
      },
    ],
    library: [
      {
        given: "agents: [], and a tweet",
        attempt: { by: "library", agents: [], jobs: [{ kind: "tweet", agent: "ada" }] },
        ends: "InvalidInputError",
        says: ['job agent: got "ada"; expected the id of an agent: nothing: there is none'],
      },
    ],
    CLI: [
      flags(
        "bulk jobs.txt --out out.jsonl",
        "jobs.txt: got a file named jobs.txt; expected *.csv or *.jsonl, or one of them as *.gz",
      ),
      shown(
        "bulk - with nothing piped into it",
        "test/e2e/runs.test.ts › but not an empty standard input",
        2,
        "… got 0 rows…",
      ),
    ],
    HTTP: [
      {
        given: "no body",
        attempt: { by: "http", line: "POST /api/v1/jobs" },
        ends: 400,
        says: ["job: got nothing; expected an object: the fields of one job"],
      },
      {
        given: '{"jobs": []}',
        attempt: { by: "http", line: "POST /api/v1/jobs/batch", body: '{"jobs": []}' },
        ends: 400,
        says: ["body jobs: got a list; expected a list of 1 to 10000 jobs"],
      },
    ],
    CSV: noFile("t.csv"),
    JSONL: noFile("t.jsonl"),
    environment: [
      but(configFile("", `: got the end of the file; ${VALUE}`), { given: "an empty configuration file" }),
      variables(
        { PUPPET_ENGINE_CONFIG: "nowhere.json" },
        'PUPPET_ENGINE_CONFIG: got "nowhere.json", which cannot be read; expected the path of a JSON file',
      ),
      variables(
        { OPENAI_API_KEY_FILE: "nowhere" },
        "OPENAI_API_KEY_FILE: got a file that cannot be read; expected the path of a mounted secret",
      ),
      {
        given: "a folder .env",
        attempt: program(["usage"], { ".env": null }),
        ends: 2,
        says: [".env: got something that cannot be read; expected a file, or nothing"],
      },
    ],
  },
};

const EXISTS = "got a file that exists; expected a new file, or --force to replace it";

const outputs: Row = {
  id: "output-exists",
  input: "output exists",
  expected: "refused without `--resume` or `--force`",
  cells: {
    ...never("it writes no file", "agent file", "library", "HTTP", "environment"),
    CLI: [
      shown(
        "compare --html report.html",
        "test/e2e/compare.test.ts › an existing report is refused before anything is asked; --force replaces it",
        2,
        `report.html: ${EXISTS}`,
      ),
      {
        given: "bulk t.csv --out out.jsonl, with out.jsonl.part of an earlier run",
        attempt: program(["bulk", "t.csv", "--out", "out.jsonl"], { "t.csv": "agent\nada\n", "out.jsonl.part": "" }),
        ends: 2,
        says: ["out.jsonl: got an unfinished run; expected --resume to go on with it, or --force…"],
      },
    ],
    CSV: [
      shown(
        "bulk topics.csv --out out.jsonl, with and without --force",
        "test/e2e/bulk.test.ts › an existing output is refused before anything runs; --force replaces it",
        2,
        `out.jsonl: ${EXISTS}`,
      ),
    ],
    JSONL: [
      {
        given: "bulk t.jsonl --out out.jsonl, with an out.jsonl",
        attempt: program(["bulk", "t.jsonl", "--out", "out.jsonl"], {
          "t.jsonl": '{"agent": "ada"}\n',
          "out.jsonl": "precious\n",
        }),
        ends: 2,
        says: [`out.jsonl: ${EXISTS}`],
      },
    ],
  },
};

export const WHOLE_FILES = { brokenLines, noFiles, outputs };
