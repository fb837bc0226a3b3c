import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";

it("the demo runs without a key and without a Redis: exit 0, says what is fake, shows tweets and what they cost", async () => {
  await using cli = await openCliSession({ env: { REDIS_URL: "", PUPPET_ENGINE_DATA: "data" } });
  const { code, stdout, stderr } = await cli.run("demo");
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/openai +no key \(OPENAI_API_KEY or OPENAI_API_KEYS\): the FAKE provider takes its place/);
  expect(stdout, "nothing is paid, and nobody is told of it").not.toMatch(/key found|^ {2}(local|anthropic|gemini) /m);
  expect(stdout).toMatch(/Some of the tweets:\n( {2}(ada|echo|nori|orbit) +\S.*\n){6}/);
  for (const column of ["provider", "agent", "requests", "tokens in", "cost (USD)"]) expect(stdout).toContain(column);
  expect(stdout).toMatch(/^Next:$/m);
  expect(stderr).toMatch(/(\d+)\/\1 done, 0 failed/);
}, 60_000);
