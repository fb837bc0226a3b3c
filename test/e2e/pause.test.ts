import { expect, it } from "vitest";
import { openCliSession, type CliSession } from "../support/cli-session.ts";

const CHAIN = "openai/gpt-6-luna > grok/grok-4.3";
const QUEUE = "openai~gpt-6-luna>grok~grok-4.3";
const SINCE = String.raw`since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(\d+ s ago\)`;

/** A lane of OpenAI with Grok behind it, and one of the fake provider. */
async function enqueueTwo(cli: CliSession): Promise<void> {
  await Promise.all([
    cli.run("enqueue", "tweet", "--agent", "ada", "--topic", "tea", "--id", "a"),
    cli.run("enqueue", "tweet", "--agent", "echo", "--topic", "tea", "--id", "e"),
  ]);
}

it("a provider: what goes on, that it was paused already, how to go on, and that it goes on", async () => {
  await using cli = await openCliSession();
  await enqueueTwo(cli);
  expect(await cli.run("pause", "openai")).toMatchObject({
    code: 0,
    stderr: "",
    stdout: `provider openai is paused: no call begins any more; those under way end
goes on with its other providers: ${CHAIN}
go on with: puppet-engine resume openai
`,
  });
  const again = await cli.run("pause", "openai");
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(again.stdout).toMatch(new RegExp(`^provider openai was paused already, ${SINCE}\n`));
  expect(await cli.run("pause", "grok")).toMatchObject({
    stdout: expect.stringContaining(`\nstands still: ${CHAIN}\n`) as string,
  });
  const resumed = await cli.run("resume", "openai");
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(resumed.stdout).toMatch(
    new RegExp(
      `^the pause of provider openai is over\nstill: provider grok is paused by an operator ${SINCE}: puppet-engine resume grok\n$`,
    ),
  );
  expect(await cli.run("resume", "openai")).toMatchObject({
    stdout: expect.stringMatching(/^provider openai was not paused\nstill: provider grok /) as string,
  });
});

it("everything, and resume all ends every pause", async () => {
  await using cli = await openCliSession();
  expect(await cli.run("resume", "all")).toMatchObject({ code: 0, stderr: "", stdout: "nothing was paused\n" });
  await enqueueTwo(cli);
  await cli.run("pause", "grok");
  const { code, stdout } = await cli.run("pause", "all");
  expect({ code, lines: stdout.trimEnd().split("\n").toSorted() }).toEqual({
    code: 0,
    lines: [
      "and so will lanes that are new",
      "everything is paused: no call begins any more; those under way end",
      "go on with: puppet-engine resume all",
      "stands still: fake/fake-1",
      `stands still: ${CHAIN}`,
    ],
  });
  expect(await cli.run("resume", "all")).toMatchObject({
    code: 0,
    stdout: "the pause of provider grok is over\nthe pause of everything is over\n",
  });
});

it.concurrent.each([CHAIN, "openai/gpt-6-luna>grok/grok-4.3", QUEUE])("a lane, called %s", async (name) => {
  await using cli = await openCliSession();
  await enqueueTwo(cli);
  expect(await cli.run("pause", name)).toMatchObject({
    code: 0,
    stdout: `lane ${CHAIN} is paused: no call begins any more; those under way end
stands still: ${CHAIN}
go on with: puppet-engine resume "${CHAIN}"
`,
  });
  expect(await cli.run("resume", name)).toMatchObject({ code: 0, stdout: `the pause of lane ${CHAIN} is over\n` });
});

it("a provider that no lane has asked for", async () => {
  await using cli = await openCliSession();
  expect(await cli.run("pause", "openai")).toMatchObject({
    stdout: expect.stringContaining("\nno lane has asked for it so far\n") as string,
  });
});

it.concurrent.each(["pause", "resume"])(
  "%s of something unknown: exit 2, what there is, and a suggestion",
  async (command) => {
    await using cli = await openCliSession();
    await enqueueTwo(cli);
    const { code, stdout, stderr } = await cli.run(command, "opnai");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: target: got "opnai"; expected one of all, .*\bgrok, .*\bopenai, /);
    for (const chain of [CHAIN, "fake/fake-1"]) expect(stderr).toContain(chain);
    expect(stderr).toMatch(/; did you mean "openai"\?\n$/);
  },
);

it("whoever waits, and usage, are told of a pause and how to end it", async () => {
  await using cli = await openCliSession();
  await cli.run("pause", "all");
  const hint = new RegExp(`note: everything is paused by an operator ${SINCE}: puppet-engine resume all`);
  const usage = await cli.run("usage");
  expect(usage).toMatchObject({ code: 0, stderr: expect.stringMatching(hint) as string });
  await cli.write("jobs.jsonl", '{"agent":"echo","topic":"tea"}\n');
  for (const args of [
    ["enqueue", "tweet", "--agent", "echo", "--topic", "tea", "--id", "e", "--wait"],
    ["result", "e", "--wait"],
    ["bulk", "jobs.jsonl", "--out", "texts.jsonl"],
  ]) {
    await using waiting = cli.start(...args);
    await waiting.waitForOutput(hint);
  }
  await cli.run("pause", "grok");
  expect((await cli.run("usage")).stderr).toContain("resume all (and 1 more; see `puppet-engine health`)\n");
}, 60_000);
