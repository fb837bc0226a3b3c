import { join } from "node:path";
import { startProgram } from "./run-cli.ts";

const PROGRAM = join(import.meta.dirname, "../../src/cli/program.ts");

/** What the program says about one command, e.g. `enqueue tweet`; about all of it when `command` is empty. */
export interface CommandHelp {
  readonly command: string;
  readonly text: string;
  /** Its sub-commands, `help` left out. */
  readonly subCommands: readonly string[];
  /** Long options, sorted, `--help` and `--version` left out. */
  readonly options: readonly string[];
}

/** The `--help` of all commands and sub-commands, in order. Three processes, instead of one for each. */
export async function readHelp(): Promise<CommandHelp[]> {
  const all = await helpOf([""]);
  const commands = await helpOf(all.flatMap(({ subCommands }) => subCommands));
  const nested = commands.flatMap(({ command, subCommands }) => subCommands.map((name) => `${command} ${name}`));
  return [...all, ...commands, ...(await helpOf(nested))];
}

const SEPARATOR = "\f";

async function helpOf(commands: readonly string[]): Promise<CommandHelp[]> {
  const lines = JSON.stringify(commands.map((command) => command.split(" ").filter(Boolean)));
  const script = `
    import { runProgram } from ${JSON.stringify(PROGRAM)};
    for (const command of ${lines}) {
      await runProgram([...command, "--help"]);
      console.log(${JSON.stringify(SEPARATOR)});
    }`;
  await using program = startProgram(["--input-type=module", "--eval", script]);
  const { code, stdout, stderr } = await program.ended;
  if (code !== 0) throw new Error(stderr);
  const texts = stdout.split(`${SEPARATOR}\n`);
  return commands.map((command, index) => {
    const text = texts[index] ?? "";
    return { command, text, subCommands: commandsIn(text), options: optionsIn(text) };
  });
}

function commandsIn(text: string): string[] {
  const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(text)?.[1] ?? "";
  return [...list.matchAll(/^ {2}([\w-]+)/gm)].map(([, name = ""]) => name).filter((name) => name !== "help");
}

function optionsIn(text: string): string[] {
  return [...text.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name = ""]) => name).sort();
}
