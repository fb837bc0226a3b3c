import type { Row, TriedCase } from "../matrix-types.ts";
import { agentFile, bulk, but, configFile, dryRun, inAgentFile, never, program, rows, shown } from "./cases.ts";

/* Rows about how files are written: of jobs, of agents, of settings. */

const ADA = '{"id": "ada", "name": "Ada"}';
const CONFLICT = "the id belongs to a job with another payload; give this one another id";
const tweet = (id: string, topic: string, agent = "ada") => ({ kind: "tweet", agent, id, context: { topic } });

const duplicateIds: Row = {
  id: "duplicate-id",
  input: "duplicate id, same row / other row",
  expected: "skipped and counted / error naming both lines",
  cells: {
    "agent file": [
      agentFile(
        "a.json and b.json, both with id ada",
        { "agents/a.json": ADA, "agents/b.json": ADA },
        'agents/b.json id: got "ada", which agents/a.json has too; expected an id of its own',
      ),
      inAgentFile('"name": "A"', "name: got a field that line 1 has already; expected each field once"),
    ],
    library: [
      {
        given: "two agents with id ada, and one that is wrong",
        attempt: { by: "library", agents: [JSON.parse(ADA), JSON.parse(ADA), { id: "nori" }] },
        ends: "InvalidInputError",
        says: [
          'agents[1] id: got "ada", which agents[0] has too; expected an id of its own',
          "agents[2] name: got nothing; expected text in quotation marks",
        ],
      },
      {
        given: "the same tweet twice",
        attempt: { by: "library", jobs: [tweet("twice-library", "tea"), tweet("twice-library", "tea")] },
        ends: "accepted",
        says: ["twice-library enqueued in lane …", "twice-library already-enqueued in lane …"],
      },
      {
        given: "another tweet under the same id",
        attempt: { by: "library", jobs: [tweet("other-library", "tea"), tweet("other-library", "fog")] },
        ends: "JobConflictError",
        says: [`job other-library: ${CONFLICT}`],
      },
    ],
    CLI: [
      shown(
        "another tweet under the same --id",
        "test/e2e/enqueue.test.ts › another payload under the same id: exit 2, and what to do",
        2,
        `job a: ${CONFLICT}`,
      ),
      shown(
        "the same tweet twice",
        "test/e2e/enqueue.test.ts › without --wait: the id and its lane; then result, cancel and result tell how it stands",
        0,
        "42 already-enqueued …",
      ),
    ],
    HTTP: [
      shown(
        "the same job twice, and another one under its id",
        "test/integration/monitor/api-jobs.test.ts › enqueues a job once, however often it is sent, and at the same time",
        "200, 409",
        `job rain-1: ${CONFLICT}`,
      ),
    ],
    CSV: [
      {
        given: "id,agent,topic\n1,ada,tea\n2,ada,fog\n1,ada,tea\n",
        attempt: bulk("t.csv", "id,agent,topic\n1,ada,tea\n2,ada,fog\n1,ada,tea\n", "--dry-run"),
        ends: 0,
        says: ["2 rows (1 row twice); nothing was enqueued"],
      },
      rows(
        "t.csv",
        'id,agent,topic\n1,ada,"te\na"\n1,ada,rain\n',
        't.csv:4 id: got "1", which line 2 has with other content; expected an id of its own',
      ),
    ],
    JSONL: [
      {
        given: '{"id": 42, "agent": "ada"}\n{"agent": "ada", "id": "42"}\n',
        attempt: bulk("t.jsonl", '{"id": 42, "agent": "ada"}\n{"agent": "ada", "id": "42"}\n', "--dry-run"),
        ends: 0,
        says: ["1 row (1 row twice); nothing was enqueued"],
      },
      rows(
        "t.jsonl",
        '{"id": 42, "agent": "ada"}\n{"id": "42", "agent": "nori"}\n',
        't.jsonl:2 id: got "42", which line 1 has with other content; expected an id of its own',
      ),
    ],
    environment: [
      configFile(
        '{"pauseSeconds": 1, "pauseSeconds": 2}',
        "pauseSeconds: got a field that line 1 has already; expected each field once",
      ),
    ],
  },
};

const UTF8 = "expected a file saved as UTF-8";
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const WITHOUT_HEADER = "expected a header with at least one of id, kind, …";
const HEADER_FAULT = (content: string, ...says: readonly string[]): TriedCase =>
  but(rows("t.csv", content, ...says), { ends: 2 });

const encodings: Row = {
  id: "csv-forms",
  input: "CSV with BOM, CRLF, quoted newline / missing or doubled header, ragged row, Latin-1",
  expected: "works, line numbers are physical / error naming line, column, encoding",
  cells: {
    "agent file": [
      {
        given: "BOM and CRLF",
        attempt: program(["enqueue", "tweet", "--agent", "ada"], {
          "agents/ada.json": `\uFEFF${ADA.replaceAll(" ", "\r\n")}`,
        }),
        ends: 0,
        says: ["… enqueued in lane …"],
      },
      agentFile(
        "Latin-1",
        { "agents/ada.json": latin1('{"id": "ada",\n"name": "Ad\xe9"}') },
        `agents/ada.json:2: got bytes that are not UTF-8; ${UTF8}`,
      ),
    ],
    library: "a program hands over objects",
    CLI: "an argument is text as the terminal has it",
    HTTP: [
      {
        given: "a byte order mark before the JSON",
        attempt: {
          by: "http",
          line: "POST /api/v1/jobs",
          body: '\uFEFF{"kind": "content", "prompt": "p", "id": "bom-http"}',
        },
        ends: 201,
        says: ['{"id":"bom-http",…'],
      },
      {
        given: "JSON in Latin-1",
        attempt: { by: "http", line: "POST /api/v1/jobs", body: latin1('{"kind": "content",\n"prompt": "caf\xe9"}') },
        ends: 400,
        says: ["body:2: got bytes that are not UTF-8; expected JSON in UTF-8"],
      },
    ],
    CSV: [
      dryRun("t.csv", "BOM, CRLF and a quoted line break", '\uFEFFagent,topic\r\nada,"te\r\na"\r\n'),
      rows(
        "t.csv",
        'id,agent,topic\n1,ada,"two\nlines"\n2,nobody,x\n3,ada\n4,ada,a"b"\n',
        't.csv:4 agent: got "nobody"; expected one of ada, echo, nori, orbit',
        "t.csv:5 topic: got a row with 2 cells; expected 3, as the header has (text with a comma in it needs quotes around it)",
        't.csv:6: got a quote in the middle of a cell; expected cells with quotes in them written as "say ""hi"""',
      ),
      HEADER_FAULT("ada,tea\nada,fog\n", `t.csv:1: got a first line without any known column; ${WITHOUT_HEADER}`),
      HEADER_FAULT("agent;topic\nada;tea\n", 't.csv:1: got cells separated by ";"; expected commas, and a header…'),
      HEADER_FAULT(
        "agent,topic,agent\nada,tea,ada\n",
        't.csv:1 column 3: got "agent", which column 1 is named too; expected every column once',
      ),
      HEADER_FAULT(
        "agent,,topic\nada,x,tea\n",
        "t.csv:1 column 2: got no name; expected a name in the header for every column",
      ),
      but(
        rows(
          "t.csv",
          latin1("agent,topic\nada,tea\nada,caf\xe9\n"),
          `t.csv:3: got bytes that are not UTF-8 (Latin-1 or Windows-1252?) at character 8; ${UTF8}`,
        ),
        { ends: 2, given: "a row in Latin-1" },
      ),
    ],
    JSONL: [
      dryRun("t.jsonl", "BOM and CRLF", '\uFEFF{"agent": "ada"}\r\n{"agent": "nori"}\r\n', "2 rows"),
      but(
        rows(
          "t.jsonl",
          latin1('{"agent": "ada"}\n{"topic": "caf\xe9"}\n'),
          `t.jsonl:2: got bytes that are not UTF-8 (Latin-1 or Windows-1252?) at character 15; ${UTF8}`,
        ),
        { ends: 2, given: "a line in Latin-1" },
      ),
    ],
    environment: [
      shown(
        ".env with a byte order mark and CRLF",
        "test/unit/config/load-config.test.ts › is read from an `.env` with a byte order mark, CRLF, quotes and comments",
        "read",
      ),
      but(configFile(latin1('{"fake": {"seed": "caf\xe9"}}'), `: got bytes that are not UTF-8; ${UTF8}`), {
        given: "the configuration file in Latin-1",
      }),
    ],
  },
};

const formulas: Row = {
  id: "formulas",
  input: "CSV cell `=cmd`",
  expected: "input untouched, CSV output neutralised",
  cells: {
    ...never("no spreadsheet reads it: texts are kept as they are", "agent file", "library", "CLI", "environment"),
    HTTP: [
      shown(
        "usage as CSV, with names that begin with =, +, - or @",
        "test/unit/platform/csv.test.ts › makes no formula of %j",
        200,
        "'=cmd…",
      ),
    ],
    CSV: [
      shown(
        "a cell =cmd|'/c calc'!A1",
        "test/unit/bulk/read-csv.test.ts › with cells that a spreadsheet would take for formulas, and white space, untouched",
        "read",
      ),
    ],
    JSONL: "no spreadsheet reads it; the output of a bulk run is JSONL as well",
  },
};

export const FILE_FORMS = { duplicateIds, encodings, formulas };
