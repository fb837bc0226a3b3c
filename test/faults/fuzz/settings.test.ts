import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentFileSchema } from "../../../src/agents/agent-schema.ts";
import { loadAgents } from "../../../src/agents/load-agents.ts";
import { parseAgent, parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { compileOptions } from "../../../src/compose.ts";
import { configFileSchema } from "../../../src/config/config-file.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { parseRedisUrl } from "../../../src/config/redis-address.ts";
import { formatProblem } from "../../../src/platform/problem.ts";
import { normalizeEndpoint } from "../../../src/providers/http/normalize-endpoint.ts";
import { openCron, whatIsWrongWithCron } from "../../../src/schedules/cron.ts";
import { whatIsWrongWithTimeZone } from "../../../src/schedules/time-zone.ts";
import { DEFAULTS } from "../../support/documents.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { CANARY, damaged, expectNothingPolluted, expectShowable, jsonWith, parsedBy, runs } from "./fuzz.ts";

const OPTIONS = compileOptions(DEFAULTS);

const AGENT = {
  id: "ada",
  name: "Ada",
  llm_provider: "openai",
  llm_config: {
    temperature: 0.5,
    logit_bias: { "17": 1 },
    fallback_provider: "grok",
    fallback_config: { timeout: 30 },
  },
  personality: { traits: ["calm"] },
  schedule: { cron: "0 9,17 * * 1-5", timezone: "Europe/Berlin", topics: ["tea", { topic: "fog" }] },
  initial_memory: { relationships: { Bob: "friend" } },
};
const fieldsOf = (schema: { readonly shape: object }): string[] => Object.keys(schema.shape);

describe("an agent", () => {
  const withKey = { ...AGENT, llm_config: { ...AGENT.llm_config, api_key: CANARY } };
  const texts = fc.constantFrom(JSON.stringify(AGENT), JSON.stringify(withKey, null, 2));

  it("is loaded from a damaged file, or refused", async () => {
    await fc.assert(
      fc.asyncProperty(damaged(texts), async (text) => {
        const parsed = await parsedBy(() => parseAgent("ada.json", text, OPTIONS));
        for (const note of parsed?.notes ?? []) expectShowable(note);
      }),
      runs(),
    );
  });

  it("is taken as an object of any shape, or refused", async () => {
    const names = [
      ...fieldsOf(agentFileSchema(OPTIONS.knownProviders)),
      ...Object.keys(AGENT.llm_config),
      ...["cron", "topics", "behavior", "post_frequency", "relationships", "kinds", "model"],
    ];
    await fc.assert(
      fc.asyncProperty(jsonWith(names, ["ada", "openai", "grok", "fake", "0 9 * * *"]), async (value) => {
        const parsed = await parsedBy(() => parseAgentObject("agent", value, OPTIONS));
        if (parsed === undefined) return;
        // What was made of it does not depend on what it was written in.
        const again = parseAgent("agent", JSON.stringify(value), OPTIONS);
        expect(again.agent).toEqual(parsed.agent);
      }),
      runs(),
    );
  });

  it("may lie in a file of any bytes", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "ada.json");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await writeFile(path, bytes);
        await parsedBy(() => loadAgents(folder.path, OPTIONS));
      }),
      runs(0.5),
    );
  });
});

describe("the configuration file", () => {
  const CONFIG = {
    retries: { attempts: 3 },
    limits: [{ provider: "openai", requestsPerMinute: 10, dayEndsIn: "UTC" }],
    endpoints: {
      lab: { baseUrl: "https://lab.example/v1", model: "m", keyVariable: "LAB_KEY", headers: { "x-a": "b" } },
    },
    budgets: { providerUsdPerDay: { openai: 5 }, agentsUsdPerDay: { ada: 1 } },
    fake: { latencyMs: { min: 1, max: 2 } },
    prices: [],
  };
  const withKey = { ...CONFIG, fake: { seed: CANARY }, apiKey: CANARY };
  const names = [
    ...fieldsOf(configFileSchema),
    ...Object.keys(CONFIG.endpoints.lab),
    ...["openai", "lab", "provider", "providerUsdPerDay", "models", "families", "match", "parameters"],
  ];

  it("is loaded, or refused, whatever is in it", async () => {
    await using folder = await makeTempFolder();
    const source = { environment: { PUPPET_ENGINE_CONFIG: "c.json" }, directory: folder.path, isTerminal: false };
    const content = fc.oneof(
      damaged(fc.constantFrom(JSON.stringify(CONFIG), JSON.stringify(withKey))),
      jsonWith(names, ["openai", "https://lab.example/v1", "UTC"]).map((value) => JSON.stringify(value)),
      fc.uint8Array({ maxLength: 200 }),
    );
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        await writeFile(join(folder.path, "c.json"), bytes);
        const config = await parsedBy(() => loadConfig(source));
        for (const note of config?.notes ?? []) expectShowable(note);
      }),
      runs(),
    );
  });
});

describe("the environment", () => {
  const numbers = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom("1", "0", "-1", "1e3", "0x10", "٣"),
  );
  const secret = fc.oneof(damaged(fc.constant(CANARY)), fc.constant(CANARY), fc.constant("your_openai_api_key"));
  const environment = fc.record(
    {
      ...{ MONITOR_PORT: numbers, WORKER_CONCURRENCY: numbers, OTEL_TRACES_SAMPLER_ARG: numbers },
      ...{ LOG_LEVEL: numbers, LOG_FORMAT: numbers, PUPPET_ENGINE_NAMESPACE: numbers, OPENAI_MODEL: numbers },
      ...{ OPENAI_API_KEY: secret, OPENAI_API_KEYS: secret, GROK_API_KEY: secret, MONITOR_TOKEN: secret },
      REDIS_URL: damaged(fc.constant(`redis://someone:${CANARY}@127.0.0.1:6379/0`)),
      OPENAI_BASE_URL: damaged(fc.constantFrom(`https://me:${CANARY}@api.openai.com/v1`, "http://10.0.0.7/v1")),
      ALERT_WEBHOOK_URL: damaged(fc.constant(`https://hooks.example.com/${CANARY}`)),
      OTEL_EXPORTER_OTLP_ENDPOINT: damaged(fc.constant(`http://me:${CANARY}@127.0.0.1:4318`)),
    },
    { requiredKeys: [] },
  );

  it("is taken, or refused, and shows no secret", async () => {
    await fc.assert(
      fc.asyncProperty(environment, async (values) => {
        const config = await parsedBy(() =>
          loadConfig({ environment: values, directory: "/nowhere", isTerminal: false }),
        );
        for (const note of config?.notes ?? []) expectShowable(note);
      }),
      runs(0.1),
    );
  });

  it("may stand in an `.env` of any bytes", async () => {
    await using folder = await makeTempFolder();
    const lines = damaged(fc.constant(`OPENAI_API_KEY="${CANARY}"\nLOG_LEVEL=debug\nexport MONITOR_PORT=1 # one\n`));
    await fc.assert(
      fc.asyncProperty(fc.oneof(lines, fc.uint8Array({ maxLength: 100 })), async (bytes) => {
        await writeFile(join(folder.path, ".env"), bytes);
        await parsedBy(() => loadConfig({ environment: {}, directory: folder.path, isTerminal: false }));
      }),
      runs(0.5),
    );
  });

  it("has addresses of Redis whose password is never told", () => {
    fc.assert(
      fc.property(damaged(fc.constant(`rediss://someone:${CANARY}@redis.example:6380/1`)), (url) => {
        const address = parseRedisUrl(url, {});
        if ("got" in address) expectShowable(formatProblem(address));
        else if ("path" in address) expect(address.path).toMatch(/^\//);
        else expect(URL.canParse(address.url)).toBe(true);
      }),
      runs(),
    );
  });
});

describe("an endpoint", () => {
  const urls = fc.constantFrom(
    "https://api.x.ai/v1/chat/completions/",
    "http://127.0.0.1:11434/v1",
    `https://user:${CANARY}@api.x.ai/v1?key=${CANARY}#${CANARY}`,
    "http://[::ffff:10.0.0.7]/v1",
  );

  it("is normalised once and for all, or refused", () => {
    fc.assert(
      fc.property(damaged(urls), (url) => {
        const place = { source: "environment", path: "GROK_API_ENDPOINT", callPath: "/chat/completions" };
        const { baseUrl, problems, notes } = normalizeEndpoint(url, place);
        expect(baseUrl === null).toBe(problems.length > 0);
        for (const message of [...problems.map(formatProblem), ...notes]) expectShowable(message);
        if (baseUrl === null) return;
        expect(normalizeEndpoint(baseUrl, place)).toMatchObject({ baseUrl, problems: [] });
        const { username, password, search, hash } = new URL(baseUrl);
        expect(username + password + search + hash).toBe("");
      }),
      runs(),
    );
  });
});

describe("a schedule", () => {
  it("has a cron expression that comes, or it is told what is wrong", () => {
    fc.assert(
      fc.property(
        damaged(fc.constantFrom("0 9,17 * * 1-5", "*/15 8-20/2 1 jan,dec *", "@daily", "0 0 L * *")),
        (text) => {
          const wrong = whatIsWrongWithCron(text);
          if (wrong !== undefined) {
            expectShowable(formatProblem({ source: "agent", path: "schedule.cron", ...wrong }));
            return;
          }
          const first = openCron(text, "Europe/Berlin").next(0) ?? -1;
          expect(first).toBeGreaterThan(0);
          expect(openCron(text, "Europe/Berlin").next(first) ?? first + 1).toBeGreaterThan(first);
        },
      ),
      runs(0.5),
    );
  });

  it("has a time zone that there is, or it is told what is meant", () => {
    fc.assert(
      fc.property(damaged(fc.constantFrom("Europe/Berlin", "UTC", "America/Los_Angeles")), (name) => {
        const expected = whatIsWrongWithTimeZone(name);
        if (expected !== undefined) expectShowable(expected);
        expectNothingPolluted();
      }),
      runs(0.25),
    );
  });

  it("reads files of topics of any content", async () => {
    await using folder = await makeTempFolder();
    await mkdir(join(folder.path, "agents"));
    const agent = { id: "ada", name: "Ada", schedule: { cron: "@daily", topics_file: "topics.csv" } };
    await writeFile(join(folder.path, "agents/ada.json"), JSON.stringify(agent));
    await fc.assert(
      fc.asyncProperty(damaged(fc.constant("topic,mood\ntea,calm\nfog,\n")), async (content) => {
        await writeFile(join(folder.path, "agents/topics.csv"), content);
        await parsedBy(() => loadAgents(join(folder.path, "agents"), OPTIONS));
      }),
      runs(0.5),
    );
  });
});
