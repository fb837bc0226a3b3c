import type { Row } from "../matrix-types.ts";
import { agentObject, configFile, flags, inAgentFile, job, never, posted, shown, USAGE } from "./cases.ts";

/* Rows about what an agent says of its models. */

const NOT_IN_ROWS = "any other column or field of a row is context: it sets nothing of a model";
const CHAIN_OF_AGENT = "a chain is an agent's own";
const UNKNOWN_JOB_FIELD =
  "got an unknown field; expected one of kind, agent, id, urgency, deadline, delivery, cache, context";
const UNKNOWN_SETTING = "got an unknown field; expected one of retries, …";
const TWEET = { kind: "tweet", agent: "ada" };
const POSTED_TWEET = { kind: "tweet", agent: "mia" };

const TEMPERATURE = "llm_config.temperature";
const ZERO_TO_TWO = "expected a number from 0 to 2";

const temperature: Row = {
  id: "temperature",
  input: 'temperature NaN, "0.7", null, 2.1, −0.1',
  expected: "type or range error: number 0–2 (Anthropic 0–1, said so)",
  cells: {
    "agent file": [
      inAgentFile('"llm_config": {"temperature": NaN}', ": got NaN; expected a JSON value: …"),
      inAgentFile('"llm_config": {"temperature": "0.7"}', `${TEMPERATURE}: got "0.7"; ${ZERO_TO_TWO}`),
      inAgentFile('"llm_config": {"temperature": null}', `${TEMPERATURE}: got null; ${ZERO_TO_TWO}`),
      inAgentFile('"llm_config": {"temperature": 2.1}', `${TEMPERATURE}: got 2.1; ${ZERO_TO_TWO}`),
      inAgentFile('"llm_config": {"temperature": -0.1}', `${TEMPERATURE}: got -0.1; ${ZERO_TO_TWO}`),
      inAgentFile(
        '"llm_provider": "anthropic", "llm_config": {"model": "claude-haiku-4-5", "temperature": 1.1}',
        `${TEMPERATURE}: got 1.1; expected a number from 0 to 1 (anthropic)`,
      ),
    ],
    library: [
      agentObject(
        "an agent with temperature NaN",
        { llm_config: { temperature: NaN } },
        `${TEMPERATURE}: got NaN; ${ZERO_TO_TWO}`,
      ),
      agentObject(
        'an agent with temperature "0.7"',
        { llm_config: { temperature: "0.7" } },
        `${TEMPERATURE}: got "0.7"; ${ZERO_TO_TWO}`,
      ),
      job("a job with temperature 2.1", { ...TWEET, temperature: 2.1 }, `temperature: ${UNKNOWN_JOB_FIELD}`),
    ],
    CLI: [flags("enqueue tweet --agent ada --temperature 2.1", "unknown option '--temperature'", USAGE)],
    HTTP: [
      posted("temperature 2.1 in a job", { ...POSTED_TWEET, temperature: 2.1 }, `temperature: ${UNKNOWN_JOB_FIELD}`),
    ],
    ...never(NOT_IN_ROWS, "CSV", "JSONL"),
    environment: [configFile('{"temperature": 2.1}', `temperature: ${UNKNOWN_SETTING}`)],
  },
};

const MAX_TOKENS = "an integer from 1 to the model's limit (1000000 at most)";

const parameters: Row = {
  id: "top-p-penalties-max-tokens",
  input: "top_p 1.5; penalties ±2.1; max_tokens 0, 1.5, 1e9",
  expected: "0–1; −2–2; integer 1–the model's limit",
  cells: {
    "agent file": [
      inAgentFile('"llm_config": {"top_p": 1.5}', "llm_config.top_p: got 1.5; expected a number from 0 to 1"),
      inAgentFile(
        '"llm_config": {"frequency_penalty": 2.1, "presence_penalty": -2.1}',
        "llm_config.frequency_penalty: got 2.1; expected a number from -2 to 2",
        "llm_config.presence_penalty: got -2.1; expected a number from -2 to 2",
      ),
      ...["0", "1.5", "1e9"].map((written) =>
        inAgentFile(
          `"llm_config": {"max_tokens": ${written}}`,
          `llm_config.max_tokens: got ${Number(written)}; expected ${MAX_TOKENS}`,
        ),
      ),
      inAgentFile(
        '"llm_config": {"model": "gpt-5.4", "max_tokens": 1e9}',
        "llm_config.max_tokens: got 1000000000; expected an integer from 1 to 128000, the limit of gpt-5.4",
      ),
    ],
    library: [
      agentObject(
        "an agent with top_p 1.5, presence_penalty 2.1 and max_tokens 1e9",
        { llm_config: { top_p: 1.5, presence_penalty: 2.1, max_tokens: 1e9 } },
        `llm_config.max_tokens: got 1000000000; expected ${MAX_TOKENS}`,
        "llm_config.top_p: got 1.5; expected a number from 0 to 1",
        "llm_config.presence_penalty: got 2.1; expected a number from -2 to 2",
      ),
      job("a job with max_tokens 0", { ...TWEET, max_tokens: 0 }, `max_tokens: ${UNKNOWN_JOB_FIELD}`),
    ],
    CLI: [flags("enqueue tweet --agent ada --max-tokens 0", "unknown option '--max-tokens'", USAGE)],
    HTTP: [posted("top_p 1.5 in a job", { ...POSTED_TWEET, top_p: 1.5 }, `top_p: ${UNKNOWN_JOB_FIELD}`)],
    ...never(NOT_IN_ROWS, "CSV", "JSONL"),
    environment: [configFile('{"max_tokens": 0}', `max_tokens: ${UNKNOWN_SETTING}`)],
  },
};

const KNOWN = 'expected one of anthropic, fake, gemini, grok, local, openai; did you mean "openai"?';

const unknownProvider: Row = {
  id: "unknown-provider",
  input: "unknown provider `opneai`, wrong case",
  expected: "lists the known ones, suggests `openai`",
  cells: {
    "agent file": [
      inAgentFile('"llm_provider": "opneai"', `llm_provider: got "opneai"; ${KNOWN}`),
      inAgentFile('"llm_provider": "OpenAI"', `llm_provider: got "OpenAI"; ${KNOWN}`),
      inAgentFile(
        '"llm_config": {"fallback_provider": "opneai"}',
        `llm_config.fallback_provider: got "opneai"; ${KNOWN}`,
      ),
    ],
    library: [
      agentObject("an agent of opneai", { llm_provider: "opneai" }, `llm_provider: got "opneai"; ${KNOWN}`),
      job("a job for opneai", { ...TWEET, llm_provider: "opneai" }, `llm_provider: ${UNKNOWN_JOB_FIELD}`),
    ],
    CLI: [
      flags("models --provider opneai", `--provider: got "opneai"; ${KNOWN}`),
      flags(
        "compare --models opneai/gpt-6-luna --agent ada --topic tea",
        `--models: got "opneai" in "opneai/gpt-6-luna"; ${KNOWN}`,
      ),
    ],
    HTTP: [
      {
        given: "POST /api/v1/providers/opneai/pause",
        attempt: { by: "http", line: "POST /api/v1/providers/opneai/pause" },
        ends: 404,
        says: ["…opneai…openai…"],
      },
    ],
    ...never("a row names an agent, and the agent its providers", "CSV", "JSONL"),
    environment: [
      configFile(
        '{"limits": [{"provider": "opneai", "requestsPerMinute": 9}], "budgets": {"providerUsdPerDay": {"OpenAI": 1}}}',
        `budgets.providerUsdPerDay.OpenAI: got an unknown provider; ${KNOWN}`,
        `limits[0].provider: got "opneai"; ${KNOWN}`,
      ),
    ],
  },
};

const OPENAI_LANE = "… enqueued in lane openai~gpt-6-luna";

const defaultProvider: Row = {
  id: "provider-left-out",
  input: "provider left out",
  expected: "openai; `check` shows the defaults in force",
  cells: {
    "agent file": [
      {
        given: 'check, with {"id": "ada", "name": "Ada"}',
        attempt: {
          by: "program",
          args: ["check"],
          files: { "agents/ada.json": '{"id": "ada", "name": "Ada"}' },
          env: { OPENAI_API_KEY: "sk-canary-0123456789abcdef" },
        },
        ends: 0,
        says: [
          "  ok     ada: openai/gpt-6-luna (temperature 0.7, top_p 0.9, max_tokens 280, timeout 30 s); prompt from the personality",
        ],
      },
    ],
    library: [
      {
        given: "an agent without llm_provider, and a tweet of it",
        attempt: { by: "library", agents: [{ id: "ada", name: "Ada" }], jobs: [TWEET] },
        ends: "accepted",
        says: [OPENAI_LANE],
      },
    ],
    CLI: [
      flags(
        "compare --models gpt-6-luna --agent ada --topic tea",
        '--models: got "gpt-6-luna"; expected a provider and a model with / between…',
      ),
    ],
    HTTP: [
      {
        given: "content without an agent",
        attempt: { by: "http", line: "POST /api/v1/jobs", body: '{"kind": "content", "prompt": "a haiku"}' },
        ends: 201,
        says: ['…"lane":"openai~gpt-6-luna"…'],
      },
    ],
    ...never("a row names an agent, and the agent its providers", "CSV", "JSONL"),
    environment: "no variable names the provider: OPENAI_MODEL and the like name models",
  },
};

const ONCE = "expected every provider and model at most once in a chain";
const WITHOUT = "got fallback_config without fallback_provider; expected fallback_provider beside it, one of …";

const chains: Row = {
  id: "fallback-cycles",
  input: "fallback to the same provider and model; openai→grok→openai; fallback_config without fallback_provider",
  expected: "error; the cycle is printed",
  cells: {
    "agent file": [
      inAgentFile(
        '"llm_config": {"fallback_provider": "openai"}',
        `llm_config.fallback_provider: got openai/gpt-6-luna > openai/gpt-6-luna; ${ONCE}`,
      ),
      inAgentFile(
        '"llm_config": {"fallback_provider": "grok", "fallback_config": {"fallback_provider": "openai"}}',
        `llm_config.fallback_config.fallback_provider: got openai/gpt-6-luna > grok/… > openai/gpt-6-luna; ${ONCE}`,
      ),
      inAgentFile('"llm_config": {"fallback_config": {}}', `llm_config.fallback_config: ${WITHOUT}`),
    ],
    library: [
      agentObject(
        "an agent whose fall-back is itself",
        { llm_config: { fallback_provider: "openai" } },
        `llm_config.fallback_provider: got openai/gpt-6-luna > openai/gpt-6-luna; ${ONCE}`,
      ),
      agentObject(
        "an agent with fallback_config alone",
        { llm_config: { fallback_config: {} } },
        `llm_config.fallback_config: ${WITHOUT}`,
      ),
    ],
    ...never(CHAIN_OF_AGENT, "CLI", "HTTP", "CSV", "JSONL", "environment"),
  },
};

const logitBias: Row = {
  id: "logit-bias",
  input: 'logit_bias `"specific_token"` (the spec\'s own example)',
  expected: "token ids as integers, −100–100; the message says how to get an id",
  cells: {
    "agent file": [
      inAgentFile(
        '"llm_config": {"logit_bias": {"specific_token": 100}}',
        'llm_config.logit_bias.specific_token: got "specific_token"; expected the id of a token, an integer such as "1734"; it comes from the model\'s tokenizer, e.g. the `tiktoken` package',
      ),
      inAgentFile(
        '"llm_config": {"logit_bias": {"1734": 101}}',
        "llm_config.logit_bias.1734: got 101; expected a number from -100 to 100",
      ),
    ],
    library: [
      agentObject(
        "an agent with a bias for a word",
        { llm_config: { logit_bias: { specific_token: 1 } } },
        'llm_config.logit_bias.specific_token: got "specific_token"; expected the id of a token, an integer such as "1734"; …',
      ),
      job("a job with a bias", { ...TWEET, logit_bias: {} }, `logit_bias: ${UNKNOWN_JOB_FIELD}`),
    ],
    CLI: [flags("enqueue tweet --agent ada --logit-bias 1=2", "unknown option '--logit-bias'", USAGE)],
    HTTP: [posted("a bias in a job", { ...POSTED_TWEET, logit_bias: {} }, `logit_bias: ${UNKNOWN_JOB_FIELD}`)],
    ...never(NOT_IN_ROWS, "CSV", "JSONL"),
    environment: [configFile('{"logit_bias": {}}', `logit_bias: ${UNKNOWN_SETTING}`)],
  },
};

const SECONDS = "expected seconds, a number from 1 to 600";

const timeouts: Row = {
  id: "timeout",
  input: 'timeout 0, "30", 30000',
  expected: 'seconds 1–600, hint "milliseconds?"',
  cells: {
    "agent file": [
      inAgentFile('"llm_config": {"timeout": 0}', `llm_config.timeout: got 0; ${SECONDS}`),
      inAgentFile('"llm_config": {"timeout": "30"}', `llm_config.timeout: got "30"; ${SECONDS}`),
      inAgentFile(
        '"llm_config": {"timeout": 30000}',
        `llm_config.timeout: got 30000; ${SECONDS}; milliseconds? then write 30`,
      ),
    ],
    library: [
      agentObject(
        "an agent with timeout 30000",
        { llm_config: { timeout: 30_000 } },
        `llm_config.timeout: got 30000; ${SECONDS}; milliseconds? then write 30`,
      ),
    ],
    CLI: [flags("enqueue tweet --agent ada --timeout 0", "unknown option '--timeout'", USAGE)],
    HTTP: [
      posted("timeout 0 in a job", { ...POSTED_TWEET, timeout: 0 }, `timeout: ${UNKNOWN_JOB_FIELD}`),
      {
        given: "POST /api/v1/jobs?waitSeconds=30000",
        attempt: { by: "http", line: "POST /api/v1/jobs?waitSeconds=30000", body: JSON.stringify(POSTED_TWEET) },
        ends: 400,
        says: ['query waitSeconds: got "30000"; expected seconds, an integer from 0 to 60'],
      },
    ],
    ...never(NOT_IN_ROWS, "CSV", "JSONL"),
    environment: [
      configFile(
        '{"pauseSeconds": 0, "idleSeconds": "30"}',
        "pauseSeconds: got 0; expected seconds, a number from 0.001 to 86400",
        'idleSeconds: got "30"; expected seconds, a number from 0.001 to 86400',
      ),
    ],
  },
};

const notTaken: Row = {
  id: "parameter-not-taken",
  input: "a parameter that the provider or model does not take",
  expected: "dropped with a warning in `adjusted_params`, or refused: declared per parameter",
  cells: {
    "agent file": [
      shown(
        "a temperature for a model that takes none",
        "test/unit/providers/openai-compatible/build-request.test.ts › drops what the family's table says, with the table's reason",
        "called without it",
        'adjustedParams: {"parameter": "temperature", "change": "dropped", …}',
      ),
      inAgentFile(
        '"llm_config": {"response_style": "witty"}',
        'llm_config.response_style: got "witty" for "openai"; expected no such field here: only the fake provider takes it',
      ),
    ],
    library: [
      agentObject(
        "an agent of openai with include_prompt",
        { llm_config: { include_prompt: true } },
        'llm_config.include_prompt: got true for "openai"; expected no such field here: only the fake provider takes it',
      ),
    ],
    ...never("parameters are an agent's own", "CLI", "HTTP"),
    ...never("parameters are an agent's own; the output line of a bulk run has `adjustedParams`", "CSV", "JSONL"),
    environment: [
      shown(
        "models.families with a rule that drops and changes",
        "test/unit/config/models.test.ts › are refused with a rule that drops a parameter and changes it",
        2,
        'c.json:1 models.families[0].parameters.user: got an object; expected a rule: {"as": name}, {"min": n, "max": n} or {"drop": why}',
      ),
    ],
  },
};

export const AGENT_SETTINGS = {
  temperature,
  parameters,
  unknownProvider,
  defaultProvider,
  chains,
  logitBias,
  timeouts,
  notTaken,
};
