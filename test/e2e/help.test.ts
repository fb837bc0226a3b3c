import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";
import { runCli } from "../support/run-cli.ts";

const NOWHERE = { env: { REDIS_URL: "redis://127.0.0.1:1" } };

/** Command names of a help text, `help` itself left out. */
function commandsIn(help: string): string[] {
  const section = /^Commands:\n((?: {2}.*\n)+)/m.exec(help)?.[1] ?? "";
  return [...section.matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name).filter((name) => name !== "help");
}

it("the help names every command, and each one's help says what it does and explains every option", async () => {
  const root = await runCli(["--help"], NOWHERE);
  expect(root).toMatchObject({ code: 0, stderr: "" });
  const commands = commandsIn(root.stdout);
  expect(commands).toEqual(
    expect.arrayContaining([
      "demo",
      "worker",
      "enqueue",
      "bulk",
      "compare",
      "result",
      "cancel",
      "usage",
      "start",
      "check",
    ]),
  );
  expect(root.stdout).toMatch(/\$ puppet-engine bulk topics\.csv/);
  expect(root.stdout).toMatch(/Exit codes:\s+0 ok[^]*130 interrupted/);

  const kinds = commandsIn((await runCli(["enqueue", "--help"], NOWHERE)).stdout);
  expect(kinds).toEqual(["tweet", "reply", "quote", "thread", "content"]);
  const paths = [...commands.map((name) => [name]), ...kinds.map((name) => ["enqueue", name])];
  const helps = await Promise.all(paths.map(async (path) => await runCli([...path, "--help"], NOWHERE)));
  for (const [index, { code, stdout, stderr }] of helps.entries()) {
    const path = (paths[index] ?? []).join(" ");
    expect({ path, code, stderr }).toEqual({ path, code: 0, stderr: "" });
    expect(stdout).toContain(`Usage: puppet-engine ${path}`);
    const [, description = ""] = stdout.split("\n\n");
    expect(description, `what ${path} does`).not.toMatch(/^(Options|Commands|$)/);
    // An option without an explanation ends its line with its own name.
    expect(stdout, `options of ${path}`).not.toMatch(/^ {2}--[\w-]+( <[\w=-]+>)?$/m);
  }
}, 60_000);

it.concurrent.each([
  ["an unknown command", ["frobnicate"], /unknown command 'frobnicate'/],
  ["a command that is nearly right", ["enqeue"], /Did you mean enqueue/],
  ["an unknown flag", ["usage", "--frob"], /unknown option '--frob'/],
  ["an unknown kind of job", ["enqueue", "poem"], /unknown command 'poem'/],
  ["an argument that is missing", ["result"], /missing required argument 'id'/],
  ["one argument too many", ["cancel", "a", "b"], /too many arguments/],
  [
    "an option that is missing",
    ["enqueue", "reply", "--agent", "ada"],
    /required option '--mention <text>' not specified/,
  ],
  ["an option without its value", ["enqueue", "tweet", "--agent"], /argument missing/],
  ["concurrency 0", ["worker", "--concurrency", "0"], /'0' is invalid\. Expected an integer of at least 1/],
  ["an unknown dimension", ["usage", "--by", "planet"], /Allowed choices are provider, model, agent, kind, day/],
  ["context without a name", ["enqueue", "tweet", "--agent", "ada", "--context", "tea"], /Expected NAME=VALUE/],
])("%s: exit 2, the mistake and how to get help, nothing on stdout", async (_, args, message) => {
  const { code, stdout, stderr } = await runCli(args, NOWHERE);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/--help|Usage:/);
});

it("no command at all: exit 2 and the whole help", async () => {
  const { code, stderr } = await runCli([], NOWHERE);
  expect(code).toBe(2);
  expect(stderr).toContain("Usage: puppet-engine");
});

it("--version is the package's", async () => {
  await using cli = await openCliSession();
  const { code, stdout } = await cli.run("--version");
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string });
});
