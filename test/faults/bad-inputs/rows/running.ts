import type { HttpAttempt, ProgramAttempt, Row, TriedCase } from "../matrix-types.ts";
import { bulk, flags, never, program, shown, USAGE, variables } from "./cases.ts";

/* Rows about how the program is run and reached. */

const AT_LEAST_ONE = (option: string): readonly string[] => [
  `option '${option}' argument '0' is invalid. Expected an integer of at least 1.`,
  USAGE,
];

const usage: Row = {
  id: "flags",
  input: "`--concurrency 0`, unknown flag or command",
  expected: "exit 2 with usage",
  cells: {
    ...never("it has no flags", "agent file", "library", "HTTP"),
    CLI: [
      flags("worker --concurrency 0", ...AT_LEAST_ONE("--concurrency <n>")),
      flags("bulk t.csv --out out.jsonl --in-flight 0", ...AT_LEAST_ONE("--in-flight <n>")),
      flags("usage --bye agent", "unknown option '--bye'", "(Did you mean --by?)", USAGE),
      flags("enqueu tweet --agent ada", "unknown command 'enqueu'", "(Did you mean enqueue?)", USAGE),
      flags("enqueue twet --agent ada", "unknown command 'twet'", "(Did you mean tweet?)", USAGE),
      flags("enqueue content", "required option '--prompt <text>' not specified", USAGE),
      flags("usage now", "too many arguments for 'usage'. Expected 0 arguments but got 1: now.", USAGE),
    ],
    CSV: [
      {
        given: "bulk t.csv --out out.jsonl --worker --concurrency 0",
        attempt: bulk("t.csv", "agent\nada\n", "--worker", "--concurrency", "0"),
        ends: 2,
        says: AT_LEAST_ONE("--concurrency <n>"),
      },
    ],
    JSONL: [
      {
        given: "bulk t.jsonl --out out.jsonl --format xml",
        attempt: bulk("t.jsonl", '{"agent": "ada"}\n', "--format", "xml"),
        ends: 2,
        says: ["option '--format <kind>' argument 'xml' is invalid. Allowed choices are csv, jsonl.", USAGE],
      },
    ],
    environment: [variables({ WORKER_CONCURRENCY: "0" }, 'WORKER_CONCURRENCY: got "0"; expected an integer 1–10000')],
  },
};

const REDIS_URL =
  "expected redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT/DB, redis+sentinel://HOST:PORT,HOST:PORT/MASTER, redis+cluster://HOST:PORT,HOST:PORT or unix:///PATH";
/** Port 1 is reserved; nobody listens there. */
const DOWN = "redis://someone:canary@127.0.0.1:1";
const NO_CONNECTION =
  "Redis at redis://***@127.0.0.1:1 is not available: no connection. Start it, or correct REDIS_URL.";
const whileDown = (given: string, attempt: ProgramAttempt): TriedCase => ({
  given: `${given}, with ${DOWN}`,
  attempt: { ...attempt, env: { REDIS_URL: DOWN } },
  ends: 5,
  says: [NO_CONNECTION],
});

const redis: Row = {
  id: "ports-and-redis",
  input: "PORT 99999, malformed REDIS_URL, wrong Redis password, Redis down",
  expected: "exit 2 or 5, the password hidden, what to start",
  cells: {
    "agent file": "it names neither a port nor a Redis",
    library: [
      {
        given: "redisUrl http://someone:canary@127.0.0.1",
        attempt: { by: "library", redisUrl: "http://someone:canary@127.0.0.1" },
        ends: "InvalidInputError",
        says: [`createProducer redisUrl: got a URL that starts with http://; ${REDIS_URL}`],
      },
      {
        given: `redisUrl ${DOWN}, and a job`,
        attempt: { by: "library", redisUrl: DOWN, jobs: [{ kind: "content", prompt: "p" }] },
        ends: "RedisUnavailableError",
        says: [NO_CONNECTION],
      },
    ],
    CLI: [
      flags(
        "monitor --port 99999",
        "option '--port <n>' argument '99999' is invalid. Expected a port, 1–65535.",
        USAGE,
      ),
      whileDown("usage", program(["usage"])),
      shown(
        "enqueue, bulk, result, cancel, worker … as processes, with a Redis that is down",
        "test/e2e/redis.test.ts › Redis down: %s says so and what to start, hides the password, and ends with 5",
        5,
        NO_CONNECTION,
      ),
    ],
    HTTP: [
      shown(
        "requests while Redis is down, and /readyz",
        "test/integration/monitor/readiness.test.ts › says that Redis is down, whether it was from the beginning or goes later, and recovers",
        503,
        "Redis cannot be reached: no connection; start it, or correct REDIS_URL",
      ),
    ],
    CSV: [whileDown("bulk t.csv", bulk("t.csv", "agent\nada\n"))],
    JSONL: [whileDown("bulk t.jsonl", bulk("t.jsonl", '{"agent": "ada"}\n'))],
    environment: [
      variables({ MONITOR_PORT: "99999" }, 'MONITOR_PORT: got "99999"; expected an integer 1–65535'),
      variables({ REDIS_URL: "canary" }, `REDIS_URL: got something that does not start with redis://; ${REDIS_URL}`),
      variables(
        { REDIS_URL: "redis://someone:canary@127.0.0.1:99999" },
        `REDIS_URL: got a URL whose host or port cannot be read; ${REDIS_URL}`,
      ),
      shown(
        "REDIS_URL with a password that is wrong, or none",
        "test/e2e/redis.test.ts › a password that is wrong, and one that is missing: 5, and which it is",
        5,
        "… it refuses the user or password in REDIS_URL.",
      ),
    ],
  },
};

const POLICY = "… maxmemory-policy is allkeys-lru; set it to noeviction";

const redisSettings: Row = {
  id: "redis-settings",
  input: "maxmemory-policy other than noeviction; no AOF",
  expected: "loud warning, in readiness too",
  cells: {
    ...never("it says nothing of Redis' own settings", "agent file", "environment"),
    library: "whoever embeds it has a worker and a monitor that say it",
    CLI: [
      shown(
        "any command",
        "test/e2e/redis.test.ts › a Redis that forgets or drops jobs is used, with a loud warning",
        0,
        `warning: ${POLICY}`,
        "warning: … append-only file is off; set appendonly yes",
      ),
      shown(
        "check",
        "test/integration/checks/check.test.ts › reports the policy, the append-only file, a missing key and a Redis that is a replica at once, each with its fix",
        2,
        POLICY.replace("; ", " · fix: "),
      ),
    ],
    HTTP: [
      shown("GET /readyz", "test/integration/monitor/readiness.test.ts › may evict keys", 503, POLICY),
      shown(
        "GET /readyz",
        "test/integration/monitor/readiness.test.ts › has no append-only file",
        503,
        "… append-only file is off; set appendonly yes",
      ),
    ],
    ...never("`bulk` warns as every command does", "CSV", "JSONL"),
  },
};

const interrupted: Row = {
  id: "ctrl-c",
  input: "Ctrl-C",
  expected: "summary and the command that resumes",
  cells: {
    ...never("nobody interrupts it", "agent file", "environment"),
    library: "signals are the program's own that embeds it",
    CLI: [
      shown(
        "enqueue --wait",
        "test/e2e/enqueue.test.ts › a wait without any worker says so, and Ctrl-C ends it with the command that goes on",
        130,
        "interrupted: the job goes on; ask for its text with: puppet-engine result a --wait",
      ),
      shown(
        "compare",
        "test/e2e/compare.test.ts › Ctrl-C: exit 130 and the command that goes on",
        130,
        "  puppet-engine compare … --name …",
      ),
    ],
    HTTP: "whoever breaks off a request asks again; the job goes on",
    CSV: [
      shown(
        "bulk topics.csv",
        "test/e2e/bulk.test.ts › Ctrl-C: exit 130, a summary and the command that resumes, which then completes every row exactly once",
        130,
        "interrupted: …/40 done, 0 failed, 40 enqueued …",
        "  puppet-engine bulk topics.csv … --resume",
      ),
    ],
    JSONL: "`bulk` is the same for both, see CSV",
  },
};

const http = (
  given: string,
  attempt: Omit<HttpAttempt, "by">,
  ends: number,
  ...says: readonly string[]
): TriedCase => ({
  given,
  attempt: { by: "http", ...attempt },
  ends,
  says,
});
const JOBS = "POST /api/v1/jobs";

const requests: Row = {
  id: "http",
  input: "HTTP: bad JSON, wrong type, method, host; no or wrong auth",
  expected: "400, 415, 405, 421; 401 in constant time",
  cells: {
    ...never("it is no HTTP", "agent file", "library", "CLI", "CSV", "JSONL", "environment"),
    HTTP: [
      http("{bad}", { line: JOBS, body: "{bad}" }, 400, "body:1: got bad; expected a JSON value: …"),
      http(
        '{"kind": "tweet", }',
        { line: JOBS, body: '{"kind": "tweet", }' },
        400,
        "body: got something else; expected JSON without comments, and without commas before closing brackets",
      ),
      http("[]", { line: JOBS, body: "[]" }, 400, "job: got a list; expected an object: the fields of one job"),
      http(
        "100,000 brackets",
        { line: JOBS, body: `${"[".repeat(100_000)}${"]".repeat(100_000)}` },
        400,
        "job: got more than 32 nested levels; expected at most 32 levels",
      ),
      http(
        "content-type text/plain",
        { line: JOBS, body: "{}", headers: { "content-type": "text/plain" } },
        415,
        'headers content-type: got "text/plain"; expected application/json',
      ),
      http(
        "PATCH /api/v1/jobs",
        { line: "PATCH /api/v1/jobs", body: "{}" },
        405,
        "got PATCH; expected POST; /api/v1/openapi.json has them all",
      ),
      http(
        "POST /api/v1/health",
        { line: "POST /api/v1/health", body: "{}" },
        405,
        "got POST; expected GET or HEAD; /api/v1/openapi.json has them all",
      ),
      http("POST /metrics", { line: "POST /metrics", body: "{}" }, 405, "got POST; expected GET or HEAD"),
      http(
        "GET /api/v1/nothing",
        { line: "GET /api/v1/nothing" },
        404,
        "there is no such route; /api/v1/openapi.json has them all",
      ),
      http(
        "Host: evil.example",
        { line: JOBS, body: "{}", headers: { host: "evil.example" } },
        421,
        "this host name is not served here; see MONITOR_ALLOWED_HOSTS",
      ),
      http(
        "Origin: http://evil.example",
        { line: JOBS, body: "{}", headers: { origin: "http://evil.example" } },
        403,
        "writes from other sites are refused",
      ),
      shown(
        "no token, and 13 that are wrong; both hashes are compared in constant time, whatever the first says",
        "test/integration/monitor/access.test.ts › cannot be guessed: after ten wrong ones a minute the right one is not looked at either",
        "401, 429",
        "a token is needed",
      ),
    ],
  },
};

export const RUNNING_ROWS = { usage, redis, redisSettings, interrupted, requests };
