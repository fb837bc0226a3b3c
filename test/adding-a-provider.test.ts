import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";
import { commandsOf, parseCommand, whatIsWrong, type DocCommand } from "./support/doc-commands.ts";
import { documentAt } from "./support/documents.ts";
import { codeWords, type CodeBlock } from "./support/markdown.ts";
import { recordedAnswer } from "./support/recorded-answers.ts";
import { startRecordedServer } from "./support/recorded-server.ts";
import { testNamespace, testRedisUrl } from "./support/redis.ts";
import { startProgram, type ProgramOptions } from "./support/run-cli.ts";
import { makeTempFolder } from "./support/temp-folder.ts";
import { CHAT_COMPLETIONS } from "./conformance/wires/chat-completions.ts";

/*
 * docs/adding-a-provider.md, done to the letter in a copy of the project. What a block is for stands in the comment
 * above it, and in the text above that, which is what people see:
 *
 * - `file: PATH`: the block is the whole of a new file;
 * - `add to PATH, below: TEXT`: its lines go below the only line of that file that has TEXT in it;
 * - `from: PATH`: an excerpt, which stands in that file word for word;
 * - none: commands, which are run in the copy.
 */

const ROOT = join(import.meta.dirname, "..");
const DOCUMENT = documentAt("docs/adding-a-provider.md");
const NOT_COPIED = [".git", "node_modules", "dist", "out", "coverage", ".puppet-engine", ".env", "agents"];

it("every excerpt stands in its file word for word", async () => {
  const excerpts = blocksMarked("from");
  expect(excerpts.length).toBeGreaterThan(5);
  const wrong: string[] = [];
  for (const { block, mark: path } of excerpts) {
    const text = await readFile(join(ROOT, path), "utf8");
    if (!`\n${text}`.includes(`\n${block.text}`)) wrong.push(`line ${block.line}: not in ${path}`);
  }
  expect(wrong).toEqual([]);
});

it("every other block is a file, an addition or commands, and people see to what file it belongs", async () => {
  const lines = (await readFile(join(ROOT, DOCUMENT.path), "utf8")).split("\n");
  const unclear = DOCUMENT.blocks.filter((block) => {
    const file = markOf(block, "file");
    const addition = additionOf(block);
    const excerpt = markOf(block, "from");
    if (excerpt !== undefined) return false;
    if (file === undefined && addition === undefined) return !["sh", "console"].includes(block.language);
    const above = codeWords(lastSentence(lines.slice(0, block.line - 1)));
    if (file !== undefined) return !above.includes(file);
    const anchor = addition?.below ?? "";
    return !above.includes(addition?.path ?? "") || !above.includes(codeWords(anchor)[0] ?? anchor);
  });
  expect(unclear.map(({ line, text }) => `line ${line}: ${text}`)).toEqual([]);
});

it("a provider that was added as the document says is complete, and writes a text", { timeout: 180_000 }, async () => {
  await using folder = await makeTempFolder();
  const copy = join(folder.path, "project");
  await cp(ROOT, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(relative(ROOT, path)) });
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
  await using vendor = await startRecordedServer(
    recordedAnswer("openai-compatible/422-mistral-stream-options.json"),
    CHAT_COMPLETIONS.stream({ model: "mistral-small-2603", texts: textOfVendor(), usage: false }),
  );
  const env = {
    REDIS_URL: testRedisUrl(),
    PUPPET_ENGINE_NAMESPACE: testNamespace(),
    MISTRAL_API_KEY: "key-of-mistral",
    MISTRAL_BASE_URL: vendor.baseUrl,
  };
  for (const block of DOCUMENT.blocks.filter((candidate) => markOf(candidate, "from") === undefined)) {
    if (markOf(block, "file") !== undefined || additionOf(block) !== undefined) await apply(block, copy);
    else for (const command of commandsOf(block)) expect(await run(command, { cwd: copy, env })).toBe(null);
  }

  const [refused, ...others] = vendor.calls;
  expect(others).toHaveLength(1);
  expect(refused?.body).toHaveProperty("stream_options");
  expect(others[0]).toMatchObject({ url: "/v1/chat/completions", headers: { authorization: "Bearer key-of-mistral" } });
  expect(Object.keys(others[0]?.body ?? {}).sort()).toEqual([
    "max_tokens",
    "messages",
    "model",
    "reasoning_effort",
    "stream",
    "temperature",
    "top_p",
  ]);
});

interface MarkedBlock {
  readonly block: CodeBlock;
  readonly mark: string;
}

function blocksMarked(name: string): MarkedBlock[] {
  return DOCUMENT.blocks.flatMap((block) => {
    const mark = markOf(block, name);
    return mark === undefined ? [] : [{ block, mark }];
  });
}

function markOf({ marks }: CodeBlock, name: string): string | undefined {
  return marks.find((mark) => mark.startsWith(`${name}: `))?.slice(name.length + 2);
}

interface Addition {
  readonly path: string;
  readonly below: string;
}

function additionOf({ marks }: CodeBlock): Addition | undefined {
  const found = marks.map((mark) => /^add to (\S+), below: (.+)$/.exec(mark)).find((match) => match !== null);
  return found?.[1] === undefined || found[2] === undefined ? undefined : { path: found[1], below: found[2] };
}

/** The text above a block, without the comments between them. */
function lastSentence(lines: readonly string[]): string {
  return lines.findLast((line) => line !== "" && !line.startsWith("<!--")) ?? "";
}

async function apply(block: CodeBlock, folder: string): Promise<void> {
  const file = markOf(block, "file");
  if (file !== undefined) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    return await writeFile(join(folder, file), `${block.text}\n`);
  }
  const { path, below } = additionOf(block) ?? { path: "", below: "" };
  const lines = (await readFile(join(folder, path), "utf8")).split("\n");
  const places = lines.flatMap((line, index) => (line.includes(below) ? [index] : []));
  expect(places, `lines of ${path} with ${below}`).toHaveLength(1);
  await writeFile(join(folder, path), lines.toSpliced((places[0] ?? 0) + 1, 0, block.text).join("\n"));
}

/** What the document says that the vendor wrote: the line below the last command. */
function textOfVendor(): string[] {
  const commands = DOCUMENT.blocks.filter(({ language }) => language === "console").flatMap(commandsOf);
  return (commands.at(-1)?.output ?? []).flatMap((line) => line.split(/(?<= )/));
}

/** @returns what is wrong with it, or `null` */
async function run(command: DocCommand, options: ProgramOptions & { readonly cwd: string }): Promise<string | null> {
  const { program, args } = parseCommand(command.text);
  await using running = startProgram(await scriptOf(program, args, options.cwd), options);
  const problem = whatIsWrong(command, await running.ended);
  return problem === null ? null : `${command.text}: ${problem}`;
}

/** npm without npm: the set-up before each script is there already. */
async function scriptOf(program: string, args: readonly string[], folder: string): Promise<string[]> {
  const binary = (name: string): string => join(folder, "node_modules/.bin", name);
  if (program === "puppet-engine") return [join(folder, "src/cli/main.ts"), ...args];
  if (program === "npx") return [binary(args[0] ?? ""), ...args.slice(1)];
  if (program !== "npm") throw new Error(`no way to run ${program}`);
  const { scripts } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const [name, ...rest] = args[0] === "run" ? args.slice(1) : args;
  const words = (scripts[name ?? ""] ?? "").replace("node scripts/bootstrap.mjs ", "").split(" ");
  return [binary(words[0] ?? ""), ...words.slice(1), ...rest.filter((word) => word !== "--")];
}
