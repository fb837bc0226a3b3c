import type { Row } from "../matrix-types.ts";
import {
  agentObject,
  but,
  configFile,
  flags,
  inAgentFile,
  job,
  never,
  posted,
  program,
  rows,
  USAGE,
  variables,
} from "./cases.ts";

/* Rows about keys and endpoints. Whatever has `canary` in it must never be printed. */

const CALLS_NOBODY = "whoever enqueues calls no provider: the workers have the keys";
const UNKNOWN_AGENT_FIELD = "got an unknown field; expected one of id, name, …";
const UNKNOWN_JOB_FIELD = "got an unknown field; expected one of kind, …";

const needs = (variables: string, provider: string): string =>
  `environment ${variables}: got nothing; expected the key of ${provider}, for ada (or --fake to replace providers without a key)`;
const NEEDS_GROK = needs("GROK_API_KEY or XAI_API_KEY or GROK_API_KEYS", "grok");
const NEEDS_BOTH = [NEEDS_GROK, needs("OPENAI_API_KEY or OPENAI_API_KEYS", "openai")];
const ADA = '{"id": "ada", "name": "Ada", "llm_config": {"fallback_provider": "grok"}}';
const withAda = (args: readonly string[], files = {}) => program(args, { "agents/ada.json": ADA, ...files });

const missingKey: Row = {
  id: "missing-key",
  input: "provider or fallback whose key is missing",
  expected: "error at start, names the variable and the agents that need it",
  cells: {
    "agent file": [
      {
        given: '"llm_config": {"fallback_provider": "grok"}, and check',
        attempt: withAda(["check"]),
        ends: 2,
        says: [
          "  ERROR  grok: no key",
          "         fix: set GROK_API_KEY or XAI_API_KEY or GROK_API_KEYS (or GROK_API_KEY_FILE); ada need it",
        ],
      },
    ],
    ...never(CALLS_NOBODY, "library", "HTTP"),
    CLI: [
      { given: "worker", attempt: withAda(["worker"]), ends: 2, says: NEEDS_BOTH },
      {
        given: "enqueue tweet --agent ada --worker",
        attempt: withAda(["enqueue", "tweet", "--agent", "ada", "--worker"]),
        ends: 2,
        says: NEEDS_BOTH,
      },
    ],
    CSV: [
      {
        given: "bulk t.csv --worker, with a row of ada",
        attempt: withAda(["bulk", "t.csv", "--out", "out.jsonl", "--worker"], { "t.csv": "agent,topic\nada,tea\n" }),
        ends: 2,
        says: NEEDS_BOTH,
      },
    ],
    JSONL: [
      {
        given: "bulk t.jsonl --worker, with a row of ada",
        attempt: withAda(["bulk", "t.jsonl", "--out", "out.jsonl", "--worker"], { "t.jsonl": '{"agent":"ada"}\n' }),
        ends: 2,
        says: NEEDS_BOTH,
      },
    ],
    environment: [
      {
        given: "OPENAI_API_KEY alone",
        attempt: { ...withAda(["worker"]), env: { OPENAI_API_KEY: "sk-canary-0123456789abcdef" } },
        ends: 2,
        says: [NEEDS_GROK],
      },
      but(
        configFile(
          '{"endpoints": {"lab": {"baseUrl": "https://lab.example/v1", "model": "m", "headers": {"x-team": {"variable": "TEAM"}}}}}',
        ),
        { says: ["environment TEAM: got nothing; expected the value of the header x-team of endpoint lab"] },
      ),
    ],
  },
};

const ALONE = "expected the key alone, as the vendor shows it, or an empty variable";
const KEY = "sk-canary-0123456789abcdef";
const FROM_ENVIRONMENT = "keys come from the environment and mounted files alone: see the next row";

const oddKeys: Row = {
  id: "odd-keys",
  input: "key with a newline, space or non-ASCII",
  expected: "edges trimmed with a warning, else refused without echoing it",
  cells: {
    ...never(FROM_ENVIRONMENT, "agent file", "library", "CLI", "HTTP", "CSV", "JSONL"),
    environment: [
      {
        given: "OPENAI_API_KEY with a space before it and a line break after it",
        attempt: program(["usage"], {}, { OPENAI_API_KEY: ` ${KEY}\n` }),
        ends: 0,
        says: ["note: OPENAI_API_KEY: white space around the key was removed"],
      },
      but(variables({ OPENAI_API_KEY: `${KEY}\nmore` }, `OPENAI_API_KEY: got white space inside; ${ALONE}`), {
        given: "OPENAI_API_KEY with a line break in it",
      }),
      but(variables({ OPENAI_API_KEY: `${KEY} more` }, `OPENAI_API_KEY: got white space inside; ${ALONE}`), {
        given: "OPENAI_API_KEY with a space in it",
      }),
      but(
        variables(
          { OPENAI_API_KEY: `${KEY}ü` },
          `OPENAI_API_KEY: got characters that are not printable ASCII; ${ALONE}`,
        ),
        { given: "OPENAI_API_KEY with an ü" },
      ),
      {
        given: ".env in Latin-1",
        attempt: program(["usage"], { ".env": Buffer.from(`OPENAI_API_KEY=${KEY}\xe9\n`, "latin1") }),
        ends: 2,
        says: [".env: got bytes that are not UTF-8; expected a file saved as UTF-8"],
      },
      {
        given: "OPENAI_API_KEY_FILE in Latin-1",
        attempt: program(["usage"], { key: Buffer.from(`${KEY}\xe9\n`, "latin1") }, { OPENAI_API_KEY_FILE: "key" }),
        ends: 2,
        says: [
          "environment OPENAI_API_KEY_FILE: got a file with bytes that are not UTF-8; expected the path of a mounted secret",
        ],
      },
    ],
  },
};

const ELSEWHERE =
  "expected no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)";
const SECRET_FIELD = `got a field for a secret (its value is not shown); ${ELSEWHERE}`;
const LOOKALIKE = `got what looks like a key (not shown); ${ELSEWHERE}`;
const GOOGLE_KEY = "AIzaCanary_0123456789abcdefghijklmnopqr";

const keysElsewhere: Row = {
  id: "keys-elsewhere",
  input: "placeholder `your_openai_api_key`; `api_key` inside an agent file or a job",
  expected: "refused: keys live in the environment or in mounted files",
  cells: {
    "agent file": [
      inAgentFile('"llm_config": {"api_key": "canary"}', `llm_config.api_key: ${SECRET_FIELD}`),
      but(inAgentFile(`"description": "${KEY}"`, `description: ${LOOKALIKE}`), {
        given: '"description" with a key of OpenAI in it',
      }),
      but(inAgentFile(`"description": "${GOOGLE_KEY}"`, `description: ${LOOKALIKE}`), {
        given: '"description" with a key of Google in it',
      }),
    ],
    library: [
      agentObject("an agent with apiKey", { llm_config: { apiKey: "canary" } }, `llm_config.apiKey: ${SECRET_FIELD}`),
      job("a tweet with api_key", { kind: "tweet", agent: "ada", api_key: "canary" }, `api_key: ${SECRET_FIELD}`),
    ],
    CLI: [flags("enqueue tweet --agent ada --context api_key=canary", `job context.api_key: ${SECRET_FIELD}`)],
    HTTP: [
      posted(
        "a tweet with password in its context",
        { kind: "tweet", agent: "mia", context: { password: "canary" } },
        `context.password: ${SECRET_FIELD}`,
      ),
    ],
    CSV: [rows("t.csv", "agent,api_key\nada,canary\n", `t.csv:2 context.api_key: ${SECRET_FIELD}`)],
    JSONL: [
      rows(
        "t.jsonl",
        '{"agent": "ada", "context": {"apiKey": "canary"}}\n',
        `t.jsonl:1 context.apiKey: ${SECRET_FIELD}`,
      ),
    ],
    environment: [
      variables(
        { OPENAI_API_KEY: "your_openai_api_key" },
        `OPENAI_API_KEY: got the placeholder of a template; ${ALONE}`,
      ),
      but(
        configFile(
          `{"endpoints": {"lab": {"baseUrl": "https://lab.example/v1", "model": "m", "keyVariable": "gsk_canary_012"}}}`,
          "endpoints.lab.keyVariable: got something else (not shown: it may be the key); expected the name of an environment variable, such as GROQ_API_KEY",
        ),
        { given: "the key itself as keyVariable of an endpoint" },
      ),
      but(configFile(`{"fake": {"seed": "${KEY}"}}`, `fake.seed: ${LOOKALIKE}`), {
        given: "a key of OpenAI anywhere in the configuration file",
      }),
      configFile('{"openaiApiKey": "canary"}', "openaiApiKey: got an unknown field; expected one of retries, …"),
    ],
  },
};

const OPERATORS = "an endpoint comes from the operator alone";
const NO_ENDPOINT = {
  "agent file": [
    inAgentFile(
      '"llm_config": {"endpoint": "http://169.254.169.254/"}',
      "llm_config.endpoint: got an unknown field; expected one of model, …",
    ),
  ],
  library: [
    agentObject("an agent with baseUrl", { baseUrl: "http://10.0.0.7/" }, `baseUrl: ${UNKNOWN_AGENT_FIELD}`),
    job(
      "a tweet with endpoint",
      { kind: "tweet", agent: "ada", endpoint: "http://10.0.0.7/" },
      `endpoint: ${UNKNOWN_JOB_FIELD}`,
    ),
  ],
  CLI: [flags("enqueue tweet --agent ada --endpoint http://10.0.0.7/", "unknown option '--endpoint'", USAGE)],
  HTTP: [
    posted("a tweet with endpoint", { kind: "tweet", agent: "mia", endpoint: "x" }, `endpoint: ${UNKNOWN_JOB_FIELD}`),
  ],
  ...never(`${OPERATORS}; a column of that name is context`, "CSV", "JSONL"),
};

const note = (given: Readonly<Record<string, string>>, says: string, files = {}) => ({
  given: Object.entries(given)
    .map(([name, value]) => `${name}=${value}`)
    .join(" "),
  attempt: program(["usage"], files, given),
  ends: 0,
  says: [`note: ${says}`],
});

const endpointForms: Row = {
  id: "endpoint-forms",
  input: "endpoint with `/chat/completions`, trailing slash",
  expected: "normalised once, logged",
  cells: {
    ...NO_ENDPOINT,
    environment: [
      note(
        { OPENAI_BASE_URL: "https://api.openai.com/v1/chat/completions/" },
        "OPENAI_BASE_URL: used as https://api.openai.com/v1",
      ),
      note({ GROK_API_ENDPOINT: "https://api.x.ai/v1/" }, "GROK_API_ENDPOINT: used as https://api.x.ai/v1"),
      but(configFile('{"endpoints": {"lab": {"baseUrl": "https://lab.example/v1/chat/completions", "model": "m"}}}'), {
        ends: 0,
        says: ["note: endpoints.lab.baseUrl: used as https://lab.example/v1"],
      }),
    ],
  },
};

const ALLOWED =
  "expected an https URL of a public host, http of a loopback host, or a host in trustedEndpointHosts of the configuration file";
const refusedUrl = (url: string, got: string, expected = ALLOWED) =>
  variables({ GROK_API_ENDPOINT: url }, `GROK_API_ENDPOINT: got ${got}; ${expected}`);
const DISGUISED = (address: string): [string, string] => [
  `an IP address in disguise (${address})`,
  "expected the plain address or a host name",
];

const endpointHosts: Row = {
  id: "endpoint-hosts",
  input:
    "endpoint http:// to a remote host; 169.254.169.254; private, decimal or hex IP; credentials or fragment in it",
  expected: "refused unless the operator allow-lists it; loopback http is fine for local models",
  cells: {
    ...NO_ENDPOINT,
    environment: [
      refusedUrl("http://api.x.ai/v1", "http to api.x.ai: keys would travel unencrypted"),
      refusedUrl("http://169.254.169.254/v1", "the private or link-local address 169.254.169.254"),
      refusedUrl("https://10.0.0.7/v1", "the private or link-local address 10.0.0.7"),
      refusedUrl("http://2130706433/v1", ...DISGUISED("127.0.0.1")),
      refusedUrl("https://0xa9fea9fe/v1", ...DISGUISED("169.254.169.254")),
      variables(
        { GROK_API_ENDPOINT: "https://user:canary@api.x.ai/v1#canary" },
        "GROK_API_ENDPOINT: got a URL with credentials; expected the key in its own variable",
        "GROK_API_ENDPOINT: got a URL with a fragment (#…); expected a URL without one",
      ),
      variables(
        { ALERT_WEBHOOK_URL: "http://10.0.0.7/canary" },
        `ALERT_WEBHOOK_URL: got the private or link-local address 10.0.0.7; ${ALLOWED}`,
      ),
      but(configFile('{"endpoints": {"lab": {"baseUrl": "http://192.168.1.5/v1", "model": "m"}}}'), {
        says: [
          `configuration file endpoints.lab.baseUrl: got the private or link-local address 192.168.1.5; ${ALLOWED}`,
        ],
      }),
      {
        given: 'GROK_API_ENDPOINT=http://10.0.0.7/v1/ with {"trustedEndpointHosts": ["10.0.0.7"]}',
        attempt: program(
          ["usage"],
          { "c.json": '{"trustedEndpointHosts": ["10.0.0.7"]}' },
          { GROK_API_ENDPOINT: "http://10.0.0.7/v1/", PUPPET_ENGINE_CONFIG: "c.json" },
        ),
        ends: 0,
        says: ["note: GROK_API_ENDPOINT: used as http://10.0.0.7/v1"],
      },
      note({ LOCAL_BASE_URL: "http://127.0.0.1:11434/v1/" }, "LOCAL_BASE_URL: used as http://127.0.0.1:11434/v1"),
    ],
  },
};

export const PROVIDER_ROWS = { missingKey, oddKeys, keysElsewhere, endpointForms, endpointHosts };
