import { describe, expect, it } from "vitest";
import { keyIdOf } from "../../../src/providers/registry.ts";
import { CLOSED_PORT_URL, TEST_KEYS } from "../../support/generation-system.ts";
import { recordedAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type SeenCall } from "../../support/recorded-server.ts";
import { check, openCheckSession } from "./check-command.ts";

function modelList(...ids: string[]): RecordedAnswer {
  const body = { object: "list", data: ids.map((id) => ({ id, object: "model" })) };
  return { response: { status: 200, headers: { "content-type": "application/json" }, body } };
}

describe("puppet-engine check --live", () => {
  it("asks each provider with a key for its list of models, once, and costs nothing", async () => {
    await using openai = await startRecordedServer(modelList("gpt-6-luna", "gpt-6-terra"));
    await using grok = await startRecordedServer(modelList("grok-4.3"));
    await using session = await openCheckSession({ OPENAI_BASE_URL: openai.baseUrl, GROK_API_ENDPOINT: grok.baseUrl });
    await check(session);
    expect(openai.calls, "not without --live").toEqual([]);

    const { code, findings } = await check(session, "--live");
    expect(code).toBe(0);
    expect(findings.filter(({ area }) => area === "providers")).toEqual([
      { level: "ok", area: "providers", text: "grok: answers, and knows 1 model(s)" },
      { level: "ok", area: "providers", text: "openai: answers, and knows 2 model(s)" },
    ]);
    for (const [server, key] of [
      [openai, TEST_KEYS.openai],
      [grok, TEST_KEYS.grok],
    ] as const) {
      expect(server.calls).toHaveLength(1);
      expect(server.calls[0]).toMatchObject({ method: "GET", url: "/v1/models", bodyText: "" });
      expect(server.calls[0]?.headers["authorization"]).toBe(`Bearer ${key}`);
    }
  });

  it("names models that the key may not use, and the agents that want them", async () => {
    await using openai = await startRecordedServer(modelList("gpt-6-terra"));
    await using session = await openCheckSession({ OPENAI_BASE_URL: openai.baseUrl, GROK_API_KEY: "" });
    const model = { llm_provider: "openai", llm_config: { model: "gpt-6-luna" } };
    await session.write("agents/nori.json", { id: "nori", name: "Nori", ...model });
    await session.write("agents/terra.json", { id: "terra", name: "Terra", llm_config: { model: "gpt-6-terra" } });
    const { code, of } = await check(session, "--live");
    expect(code).toBe(2);
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "providers", text: "openai does not know gpt-6-luna" },
        fix: "choose another model for ada, nori",
      },
    ]);
  });

  it("says that a key is refused, whatever the vendor repeats of it", async () => {
    const refused = recordedAnswer("openai/401-invalid-api-key.json");
    const echo = { error: { message: `Incorrect API key provided: ${TEST_KEYS.openai}`, code: "invalid_api_key" } };
    await using openai = await startRecordedServer({ response: { ...refused.response, body: echo } });
    await using session = await openCheckSession({ OPENAI_BASE_URL: openai.baseUrl, GROK_API_KEY: "" });
    const { code, of } = await check(session, "--live");
    expect(code).toBe(2);
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "providers", fix: "correct OPENAI_API_KEY" },
        text: expect.stringMatching(/^openai at http:\/\/127\.0\.0\.1:\d+\/v1: HTTP 401: Incorrect API key/) as string,
      },
    ]);
  });

  it("says that a provider cannot be reached, and still asks the others", async () => {
    await using grok = await startRecordedServer(modelList("grok-4.3"));
    await using session = await openCheckSession({ OPENAI_BASE_URL: CLOSED_PORT_URL, GROK_API_ENDPOINT: grok.baseUrl });
    const { code, of } = await check(session, "--live");
    expect(code).toBe(2);
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "providers", text: `openai at ${CLOSED_PORT_URL}: no connection (ECONNREFUSED)` },
        fix: "look at the network, and at OPENAI_BASE_URL",
      },
    ]);
    expect(of("ok").map(({ text }) => text)).toContain("grok: answers, and knows 1 model(s)");
  });

  it("asks every kind of provider for its own list, and local servers when an agent needs them", async () => {
    await using claude = await startRecordedServer(recordedAnswer("anthropic/200-models.json"));
    await using gemini = await startRecordedServer(recordedAnswer("gemini/200-models.json"));
    await using local = await startRecordedServer(modelList("qwen3:8b"));
    const endpoints = { lab: { baseUrl: CLOSED_PORT_URL, model: "m", local: true } };
    await using session = await openCheckSession({
      ...{ OPENAI_API_KEY: "", GROK_API_KEY: "", PUPPET_ENGINE_CONFIG: "c.json" },
      ...{ ANTHROPIC_API_KEY: "sk-ant-canary", ANTHROPIC_BASE_URL: new URL(claude.baseUrl).origin },
      ...{ GEMINI_API_KEY: "AIza-canary", GEMINI_BASE_URL: gemini.baseUrl, LOCAL_BASE_URL: local.baseUrl },
    });
    await session.write("c.json", { endpoints });
    const llm_config = { model: "qwen3:8b", fallback_provider: "lab" };
    await session.write("agents/ada.json", { id: "ada", name: "Ada", llm_provider: "local", llm_config });
    const { findings } = await check(session, "--live");
    const found = findings.filter(({ area }) => area === "providers");
    expect(found.map(({ level, text }) => `${level} ${text}`)).toEqual([
      expect.stringMatching(/^ok anthropic: answers, and knows [1-9]\d* model\(s\)$/),
      expect.stringMatching(/^ok gemini: answers, and knows [1-9]\d* model\(s\)$/),
      "ok local: answers, and knows 1 model(s)",
      `error lab at ${CLOSED_PORT_URL}: no connection (ECONNREFUSED)`,
    ]);
    const where = "endpoints.lab.baseUrl of the configuration file";
    expect(found.at(-1)?.fix).toBe(`see whether that server runs, and whether ${where} is its address`);
    expect(local.calls[0]?.headers).not.toHaveProperty("authorization");
    for (const { calls } of [claude, gemini]) expect(calls.map(({ url }) => url).join()).not.toContain("canary");
  });

  it("knows Google's models by Google's own spelling as well", async () => {
    await using gemini = await startRecordedServer(recordedAnswer("gemini/200-models.json"));
    await using session = await openCheckSession({
      ...{ OPENAI_API_KEY: "", GROK_API_KEY: "", GEMINI_API_KEY: "AIza-canary", GEMINI_BASE_URL: gemini.baseUrl },
    });
    const llm_config = { model: "models/gemini-1.5-pro-002" };
    await session.write("agents/ada.json", { id: "ada", name: "Ada", llm_provider: "gemini", llm_config });
    const { of } = await check(session, "--live");
    expect(of("error")).toEqual([]);
    expect(of("ok").map(({ text }) => text)).toContainEqual(expect.stringMatching(/^gemini: answers/));
    expect(of("warning").filter(({ text }) => text.includes("price"))).toEqual([]);
  });

  it("passes on that a vendor will shut a model down", async () => {
    const retiresOn = new Date(Date.now() + 20 * 24 * 3600_000).toISOString().slice(0, 10);
    const data = [{ id: "gpt-6-luna", shutdown_date: retiresOn }];
    const list = { status: 200, headers: { "content-type": "application/json" }, body: { object: "list", data } };
    await using openai = await startRecordedServer({ response: list });
    await using session = await openCheckSession({ OPENAI_BASE_URL: openai.baseUrl, GROK_API_KEY: "" });
    const { code, of } = await check(session, "--live");
    expect(code).toBe(0);
    expect(of("warning")).toContainEqual({
      ...{ level: "warning", area: "providers", fix: "choose another model for ada" },
      text: `openai says that it shuts gpt-6-luna down on ${retiresOn}`,
    });
  });

  it("says that something else answers", async () => {
    const page: RecordedAnswer = {
      response: { status: 200, headers: { "content-type": "text/html" }, bodyText: "<h1>It works!</h1>" },
    };
    const broken = recordedAnswer("openai/503-overloaded.json");
    await using openai = await startRecordedServer(page);
    await using grok = await startRecordedServer(broken);
    await using session = await openCheckSession({ OPENAI_BASE_URL: openai.baseUrl, GROK_API_ENDPOINT: grok.baseUrl });
    const { code, of } = await check(session, "--live");
    expect(code).toBe(2);
    expect(of("warning")).toContainEqual({
      ...{ level: "warning", area: "providers", fix: "see whether OPENAI_BASE_URL is the API's address" },
      text: "openai answers, but with no list of models: those of the agents could not be checked",
    });
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "providers", fix: "check GROK_API_KEY and GROK_API_ENDPOINT" },
        text: expect.stringMatching(/^grok at .*: HTTP 503: /) as string,
      },
    ]);
  });
});

describe("puppet-engine check --live with several keys", () => {
  const KEYS = ["sk-pool-first-canary", "sk-pool-second-canary", "sk-pool-third-canary"];
  const NAMES = KEYS.map((key) => `openai#${keyIdOf(key)}`);
  const env = { OPENAI_API_KEY: KEYS[0] ?? "", OPENAI_API_KEYS: KEYS.slice(1).join(), GROK_API_KEY: "" };

  it("asks with each, and names those that are refused and where they stand", async () => {
    const refused = recordedAnswer("openai/401-invalid-api-key.json");
    await using openai = await startRecordedServer(({ headers }: SeenCall) =>
      headers["authorization"] === `Bearer ${KEYS[1]}` ? refused : modelList("gpt-6-luna"),
    );
    await using session = await openCheckSession({ ...env, OPENAI_BASE_URL: openai.baseUrl });
    const { code, findings, of } = await check(session, "--live");
    expect(code).toBe(2);
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "providers", fix: "correct OPENAI_API_KEYS, key 1" },
        text: expect.stringMatching(new RegExp(`^${NAMES[1]} at http://.*: HTTP 401: `)) as string,
      },
    ]);
    expect(of("ok").filter(({ area }) => area === "providers")).toEqual([
      { level: "ok", area: "providers", text: `${NAMES[0]}: answers, and knows 1 model(s)` },
      { level: "ok", area: "providers", text: `${NAMES[2]}: answers, and knows 1 model(s)` },
    ]);
    const seen = openai.calls.map(({ headers }) => headers["authorization"]);
    expect(seen).toHaveLength(3);
    expect(new Set(seen)).toEqual(new Set(KEYS.map((key) => `Bearer ${key}`)));
    expect(JSON.stringify(findings)).not.toContain("canary");
  });

  it("names the key that may not use a model", async () => {
    await using openai = await startRecordedServer(({ headers }: SeenCall) =>
      modelList(headers["authorization"] === `Bearer ${KEYS[0]}` ? "gpt-6-terra" : "gpt-6-luna"),
    );
    await using session = await openCheckSession({ ...env, OPENAI_BASE_URL: openai.baseUrl });
    const { of } = await check(session, "--live");
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "providers", text: `${NAMES[0]} does not know gpt-6-luna` },
        fix: "choose another model for ada, or remove OPENAI_API_KEY",
      },
    ]);
  });

  it("says only once that a provider cannot be reached", async () => {
    await using session = await openCheckSession({ ...env, OPENAI_BASE_URL: CLOSED_PORT_URL });
    const { of } = await check(session, "--live");
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "providers", text: `openai at ${CLOSED_PORT_URL}: no connection (ECONNREFUSED)` },
        fix: "look at the network, and at OPENAI_BASE_URL",
      },
    ]);
  });
});
