import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";
import { recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type SeenCall } from "../support/recorded-server.ts";

const KEY = "sk-live-0a1b2c3d4e5f60718293";
const TWEET = ["enqueue", "tweet", "--agent", "ada", "--topic", "tea", "--id", "a"];

it.concurrent.each([
  ["a worker of the operator's own agents", ["worker"]],
  ["enqueue --worker", [...TWEET, "--worker"]],
  ["bulk --worker", ["bulk", "topics.csv", "--out", "out.jsonl", "--worker"]],
])("%s without keys: exit 2, each variable once with the agents that need it", async (_, args) => {
  await using cli = await openCliSession();
  const chain = { fallback_provider: "grok" };
  await cli.write("agents/ada.json", { id: "ada", name: "Ada", llm_provider: "openai", llm_config: chain });
  await cli.write("topics.csv", "agent,topic\nada,tea\n");
  const { code, stdout, stderr } = await cli.run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(
    /^error: environment OPENAI_API_KEY or OPENAI_API_KEYS: got nothing; expected the key of openai, for ada\b.*--fake/m,
  );
  expect(stderr).toMatch(
    /^error: environment GROK_API_KEY or XAI_API_KEY or GROK_API_KEYS: got nothing; expected the key of grok, for ada\b/m,
  );
});

it("keys are asked for by those who call providers only", async () => {
  await using cli = await openCliSession();
  expect(await cli.run(...TWEET)).toMatchObject({ code: 0 });
});

it("a key in an agent file is refused with its place, and not shown", async () => {
  await using cli = await openCliSession({ secrets: [KEY] });
  await cli.write(
    "agents/ada.json",
    `{\n  "id": "ada",\n  "name": "Ada",\n  "llm_config": { "api_key": "${KEY}" }\n}\n`,
  );
  const { code, stderr } = await cli.run(...TWEET);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: .*ada\.json:4 llm_config\.api_key: /m);
});

/** Quotes the key and the prompt back, as vendors do. */
function quoteEverything({ headers, bodyText }: SeenCall): ReturnType<typeof recordedAnswer> {
  const { response } = recordedAnswer("openai/401-invalid-api-key.json");
  const message = `Incorrect API key provided: ${String(headers["authorization"])}. You sent: ${bodyText}`;
  return {
    response: { ...response, body: { error: { message, type: "invalid_request_error", code: "invalid_api_key" } } },
  };
}

it("a provider that quotes key and prompt in its error: neither is printed, written or logged", async () => {
  await using openai = await startRecordedServer(quoteEverything);
  const PROMPT = "You are the keeper of a secret recipe.";
  await using cli = await openCliSession({
    env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: openai.baseUrl, LOG_LEVEL: "debug" },
    secrets: [KEY, PROMPT],
  });
  await cli.write("agents/ada.json", { id: "ada", name: "Ada", llm_provider: "openai", custom_system_prompt: PROMPT });
  await cli.write("topics.csv", "agent,topic\nada,tea\n");
  const { code, stderr } = await cli.run("bulk", "topics.csv", "--out", "out.jsonl", "--worker");
  expect(code).toBe(4);
  expect(stderr, "the log tells of it").toContain("provider paused until somebody acts");
  expect(await cli.readLines("out.jsonl")).toMatchObject([
    { status: "failed", error: expect.stringContaining("authentication") as string },
  ]);
  for (const secret of [KEY, PROMPT]) expect(await cli.read("out.jsonl")).not.toContain(secret);
  expect(openai.calls[0]?.headers["authorization"]).toBe(`Bearer ${KEY}`);
});

it("a key from a mounted file, white space around it removed, makes real calls", async () => {
  await using openai = await startRecordedServer();
  const env = { OPENAI_API_KEY_FILE: "key", OPENAI_BASE_URL: `${openai.baseUrl}/chat/completions` };
  await using cli = await openCliSession({ env, secrets: [KEY] });
  await cli.write("key", ` ${KEY}\n`);
  await cli.write("agents/ada.json", { id: "ada", name: "Ada", llm_provider: "openai" });
  const { code, stdout } = await cli.run(...TWEET, "--worker");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "Hello from the test server.\n" });
  expect(openai.calls.map(({ url, headers }) => [url, headers["authorization"]])).toEqual([
    ["/v1/chat/completions", `Bearer ${KEY}`],
  ]);
});

it("all faults of the configuration are told together", async () => {
  const env = {
    OPENAI_API_KEY: "changeme",
    MONITOR_PORT: "99999",
    LOG_LEVEL: "loud",
    WORKER_CONCURRENCY: "0",
    REDIS_URL: "x",
  };
  await using cli = await openCliSession({ env });
  const { code, stderr } = await cli.run("usage");
  expect(code).toBe(2);
  const variables = [...stderr.matchAll(/^error: environment (\w+): got /gm)].map(([, name = ""]) => name).sort();
  expect(variables).toEqual(["LOG_LEVEL", "MONITOR_PORT", "OPENAI_API_KEY", "REDIS_URL", "WORKER_CONCURRENCY"]);
});
