import { expect, it } from "vitest";
import { openCliSession, type CliSession } from "../support/cli-session.ts";

const ECHO = {
  id: "echo",
  name: "Echo",
  llm_provider: "fake",
  custom_system_prompt: "You are Echo, a parrot in a lighthouse.",
  llm_config: { stream: true },
};
const TWEET = ["enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--id", "a"];

/** Texts take their time here: they can be seen growing. */
async function openSlowSession({
  agent = ECHO,
  settings = {},
}: {
  agent?: object;
  settings?: object;
}): Promise<CliSession> {
  const cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  await cli.write("config.json", { fake: { latencyMs: 2000 }, ...settings });
  await cli.write("agents/echo.json", agent);
  return cli;
}

it("--follow prints the text while it is written, once, and nothing else on stdout", async () => {
  await using cli = await openSlowSession({});
  await using program = cli.start(...TWEET, "--follow", "--worker");
  await program.waitForOutput(/\S/);
  const begun = program.stdout;
  const { code, stdout, stderr } = await program.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.startsWith(begun)).toBe(true);
  expect(stdout.length).toBeGreaterThan(begun.length);
  expect(await cli.run("result", "a")).toMatchObject({ code: 0, stdout });
  expect(await cli.run("result", "a", "--follow")).toMatchObject({ code: 0, stdout });
});

it("--follow --json prints an object a line: the texts, and then the result", async () => {
  await using cli = await openSlowSession({});
  const { code, stdout } = await cli.run(...TWEET, "--follow", "--json", "--worker");
  expect(code).toBe(0);
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const texts = events.slice(0, -1);
  expect(texts.length).toBeGreaterThan(1);
  const text = expect.any(String) as string;
  for (const event of texts)
    expect(event).toEqual({ type: "text", attempt: 1, provider: "fake", model: "fake-1", text });
  const result = await cli.run("result", "a", "--json");
  expect(events.at(-1)).toEqual({ type: "result", result: JSON.parse(result.stdout) as unknown });
});

it("without stream: a note, and the text in one piece", async () => {
  await using cli = await openSlowSession({ agent: { ...ECHO, llm_config: {} }, settings: { fake: {} } });
  const note = "note: echo does not stream (llm_config.stream): the text comes in one piece\n";
  const { code, stdout, stderr } = await cli.run(...TWEET, "--follow", "--worker");
  expect({ code, stderr }).toEqual({ code: 0, stderr: note });
  expect(stdout).toMatch(/^\S[^]*\S\n$/);
  const result = await cli.run("result", "a", "--follow");
  expect(result).toMatchObject({ code: 0, stdout, stderr: expect.stringContaining(note) as string });
});

it("result --follow joins a job that another process works on; Ctrl-C ends the line, and the job goes on", async () => {
  await using cli = await openSlowSession({ settings: { fake: { latencyMs: 4000 } } });
  await using worker = cli.start("worker");
  await worker.waitForOutput(/is taking jobs/);
  await using first = cli.start(...TWEET, "--follow");
  await first.waitForOutput(/\S+ /);
  await using second = cli.start("result", "a", "--follow");
  first.signal("SIGINT");
  const { code, stdout, stderr } = await first.ended;
  expect(code).toBe(130);
  expect(stdout).toMatch(/^\S[^]*\n$/);
  expect(stderr).toContain("interrupted: the job goes on; ask for its text with: puppet-engine result a --wait");
  const whole = await second.ended;
  expect(whole).toMatchObject({ code: 0, stderr: "" });
  expect(whole.stdout.startsWith(stdout.trimEnd())).toBe(true);
  worker.signal("SIGTERM");
  await worker.ended;
});

it.each(["--wait", "--follow"])("result %s of an id that nobody has enqueued says so, and waits", async (option) => {
  await using cli = await openSlowSession({ settings: { fake: {} } });
  await using waiting = cli.start("result", "a", option);
  await waiting.waitForOutput(/^note: no job "a" in namespace \S+ yet: waiting for it$/m);
  const { stdout } = await cli.run(...TWEET, "--worker");
  expect(await waiting.ended).toMatchObject({ code: 0, stdout });
  const later = await cli.run("result", "a", option);
  expect(later).toMatchObject({ code: 0, stdout });
  expect(later.stderr).not.toContain("no job");
});

it("a text that breaks off: the next attempt begins on a line of its own; a failure is told on stderr", async () => {
  const fallback = { fallback_provider: "fake", fallback_config: { model: "fake-2", stream: true } };
  const agent = { ...ECHO, llm_config: { ...ECHO.llm_config, ...fallback } };
  const retries = { failOverOnContentFilter: true };
  // Of the job c the first attempt is refused half-way, and the second is not; of e both are.
  await using cli = await openSlowSession({ agent, settings: { retries, fake: { latencyMs: 1000, refuseRate: 0.5 } } });
  const follow = async (id: string): ReturnType<CliSession["run"]> =>
    await cli.run("enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--id", id, "--follow", "--worker");
  const anew = "— started anew by attempt 2 (fake/fake-2)";
  const second = await follow("c");
  const { stdout: text } = await cli.run("result", "c");
  expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S[^—]*\n—/) as string });
  expect(second.stdout.split(`\n${anew}\n`)[1]).toBe(text);
  const neither = await follow("e");
  expect(neither).toMatchObject({ code: 4, stdout: expect.stringMatching(/^\S[^—]*\n— .*\n\S[^—]*\n$/) as string });
  expect(neither.stderr).toMatch(/^failed: .*fake.*content-filtered/m);
});
