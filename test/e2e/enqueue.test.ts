import { expect, it } from "vitest";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { openCliSession } from "../support/cli-session.ts";

/* With the example agents, and the fake provider in the place of the real ones. */

it.concurrent.each([
  ["a tweet", ["tweet", "--agent", "ada", "--topic", "the smell of rain", "--mood", "curious"]],
  [
    "a reply",
    ["reply", "--agent", "orbit", "--mention", "Where are you now?", "--history", "Hello", "--history", "Hi"],
  ],
  ["content of an agent", ["content", "--agent", "nori", "--prompt", "A haiku about fog", "--audience", "sailors"]],
  ["content without an agent", ["content", "--prompt", "A haiku about fog", "--style", "short"]],
])("%s is written at once with --worker --fake: the text alone on stdout", async (_, args) => {
  await using cli = await openCliSession();
  const { code, stdout, stderr } = await cli.run("enqueue", ...args, "--id", "a", "--wait", "--worker", "--fake");
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/error/i) as string });
  expect(stdout).toMatch(/^\S[^]*\S\n$/);
  const again = await cli.run("result", "a");
  expect(again).toMatchObject({ code: 0, stdout });
});

it("--json prints one line with everything about the result", async () => {
  await using cli = await openCliSession();
  const tweet = ["enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--id", "a", "--worker", "--json"];
  const { code, stdout } = await cli.run(...tweet);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  expect(JSON.parse(stdout)).toEqual({
    ...{ id: "a", agent: "echo", kind: "tweet", status: "succeeded", text: expect.stringMatching(/\S/) as string },
    ...{ provider: "fake", model: "fake-1", finishReason: "stop", costUsd: 0 },
    usage: {
      ...{ inputTokens: expect.any(Number) as number, outputTokens: expect.any(Number) as number },
      totalTokens: expect.any(Number) as number,
      ...{ cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
    },
    attempts: [
      { provider: "fake", model: "fake-1", outcome: "succeeded", durationMs: expect.any(Number) as number, costUsd: 0 },
    ],
    finishing: { changes: [], weightedLength: expect.any(Number) as number, limit: 280 },
  });
  const result = await cli.run("result", "a", "--json");
  expect(JSON.parse(result.stdout)).toEqual(JSON.parse(stdout));
});

it("without --wait: the id and its lane; then result, cancel and result tell how it stands", async () => {
  await using cli = await openCliSession();
  const tweet = ["enqueue", "tweet", "--agent", "ada", "--topic", "tea", "--id", "42"];
  expect(await cli.run(...tweet)).toMatchObject({
    ...{ code: 0, stdout: "42 enqueued in lane openai~gpt-6-luna>grok~grok-4.3\n" },
  });
  expect(await cli.run(...tweet)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^42 already-enqueued /) as string,
  });
  expect(await cli.run("result", "42")).toMatchObject({
    ...{ code: 4, stdout: "", stderr: "no result for 42: it is unknown, or not finished (--wait waits for it)\n" },
  });
  expect(await cli.run("cancel", "42")).toMatchObject({ code: 0, stdout: "42: cancelled: it will not run\n" });
  expect(await cli.run("result", "42")).toMatchObject({
    ...{ code: 4, stdout: "", stderr: "cancelled: cancelled before a provider was called\n" },
  });
  expect(await cli.run("cancel", "42")).toMatchObject({
    code: 0,
    stdout: "42: it was finished already; nothing changed\n",
  });
  expect(await cli.run("cancel", "nobody")).toMatchObject({ code: 2, stdout: "nobody: there is no such job\n" });
  expect(await cli.run(...tweet)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^42 already-finished /) as string,
  });
});

it("another payload under the same id: exit 2, and what to do", async () => {
  await using cli = await openCliSession();
  await cli.run("enqueue", "tweet", "--agent", "ada", "--topic", "tea", "--id", "a");
  const { code, stdout, stderr } = await cli.run(
    "enqueue",
    "tweet",
    "--agent",
    "ada",
    "--topic",
    "coffee",
    "--id",
    "a",
  );
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("error: job a: the id belongs to a job with another payload; give this one another id");
});

it("a deadline that is over: nothing is called, exit 4 and why", async () => {
  await using cli = await openCliSession();
  const tweet = ["enqueue", "tweet", "--agent", "echo", "--id", "a", "--worker"];
  const { code, stdout, stderr } = await cli.run(...tweet, "--deadline", "2026-01-02T03:04:05Z");
  expect({ code, stdout }).toEqual({ code: EXIT.jobsFailed, stdout: "" });
  expect(stderr).toContain("expired: its deadline 2026-01-02T03:04:05.000Z is over");
  const result = await cli.run("result", "a", "--json");
  expect(JSON.parse(result.stdout)).toMatchObject({ status: "expired", attempts: [], costUsd: 0 });
});

it("a deadline from now: the text is written before it", async () => {
  await using cli = await openCliSession();
  const { code, stdout } = await cli.run("enqueue", "tweet", "--agent", "echo", "--worker", "--deadline", "2h");
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/\S/) as string });
});

it.concurrent.each([
  ["an agent that is nearly right", ["tweet", "--agent", "adda"], /^error: job agent: got "adda"; expected .*ada/m],
  ["an unknown urgency", ["tweet", "--agent", "ada", "--urgency", "now"], /^error: .*urgency.*now.*\bscheduled\b/m],
  [
    "a deadline that is no time",
    ["tweet", "--agent", "ada", "--deadline", "soon"],
    /^error: .*--deadline.*soon.*a time with its zone, e\.g\. 2026-11-25T18:00:00Z, or one from now, e\.g\. 10m/m,
  ],
  [
    "a deadline without a zone",
    ["tweet", "--agent", "ada", "--deadline", "2026-11-25T18:00:00"],
    /^error: job deadline: got "2026-11-25T18:00:00"; expected a time with its zone/m,
  ],
  [
    "a deadline in years",
    ["tweet", "--agent", "ada", "--deadline", "401d"],
    /^error: job deadline: got \d+; expected a time at most 400 days ahead/m,
  ],
])("%s: exit 2 and what is wrong", async (_, args, message) => {
  await using cli = await openCliSession();
  const { code, stdout, stderr } = await cli.run("enqueue", ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(message);
});

it("a wait without any worker says so, and Ctrl-C ends it with the command that goes on", async () => {
  await using cli = await openCliSession();
  await using waiting = cli.start("enqueue", "tweet", "--agent", "ada", "--id", "a", "--wait");
  await waiting.waitForOutput(/no worker is running; start one with `puppet-engine worker`, or add --worker/);
  waiting.signal("SIGINT");
  const { code, stdout, stderr } = await waiting.ended;
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  expect(stderr).toContain("interrupted: the job goes on; ask for its text with: puppet-engine result a --wait");
});

it("a worker of another process writes what is waited for", async () => {
  await using cli = await openCliSession();
  await using worker = cli.start("worker");
  await worker.waitForOutput(/is taking jobs/);
  const tweet = await cli.run("enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--wait");
  expect(tweet).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) as string });
  expect(tweet.stderr).not.toContain("no worker is running");
  worker.signal("SIGTERM");
  expect(await worker.ended).toMatchObject({ code: 0 });
});
