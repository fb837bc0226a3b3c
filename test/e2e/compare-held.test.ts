import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";

/* Comparisons of models that cannot be called for a while. With the example agents. */

const TOPICS = ["--topic", "tea", "--topic", "rain"];
const KEY = "sk-live-0a1b2c3d4e5f60718293";

it("a refused key: all its models are given up with the reason, the others go on, and a call under way may end", async () => {
  const [called, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using openai = await startRecordedServer(async ({ body }) => {
    if (body?.["model"] === "gpt-6-slow") {
      called.resolve();
      await answer.promise;
      return completionAnswer({ text: "Rain, at last." });
    }
    await called.promise;
    return recordedAnswer("openai/401-invalid-api-key.json");
  });
  await using cli = await openCliSession({ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: openai.baseUrl } });
  const models = ["--models", "openai/gpt-6-slow,openai/gpt-6-luna,fake/fake-1"];
  await using compare = cli.start("compare", ...models, "--agent", "ada", ...TOPICS, "--worker");
  await compare.waitForOutput(/^note: openai\/gpt-6-slow has to wait: key openai#[0-9a-f]{8} is paused: /m);
  answer.resolve();
  const { code, stdout, stderr } = await compare.ended;
  expect(code, stderr).toBe(4);
  expect(stderr.match(/gpt-6-slow has to wait/g), "once").toHaveLength(1);
  expect(stderr).toMatch(
    /paused: authentication; replace the key .* workers look again in \d+ (s|min); its other texts/,
  );
  expect(stdout).toMatch(/^openai\/gpt-6-slow, once: cancelled .*: key openai#\w{8} is paused \(authentication\)$/m);
  expect(stdout).toMatch(/^openai\/gpt-6-luna, once: cancelled .*: .* \(?authentication\)?$/m);
  expect(stdout, "its call was under way").toMatch(/openai\/gpt-6-slow .* 1\/2 /);
  expect(stdout).toMatch(/fake\/fake-1 .* 2\/2 /);
  expect(`${stdout}${stderr}`).not.toContain(KEY);
}, 60_000);

it("an open breaker: it is said once what is left alone, and until when", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/500-server-error.json"));
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: openai.baseUrl, PUPPET_ENGINE_CONFIG: "config.json" };
  await using cli = await openCliSession({ env });
  const breaker = { minCalls: 1, openSeconds: 20 };
  await cli.write("config.json", { breaker, retries: { baseSeconds: 0.01, capSeconds: 0.02 } });
  await using compare = cli.start("compare", "--models", "openai/gpt-6-luna", "--agent", "ada", ...TOPICS, "--worker");
  await compare.waitForOutput(
    /^note: openai\/gpt-6-luna has to wait: openai\/gpt-6-luna#[0-9a-f]{8} is left alone after many failures; workers look again in \d+ s$/m,
  );
  compare.signal("SIGINT");
  expect((await compare.ended).code).toBe(130);
}, 60_000);
