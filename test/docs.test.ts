import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { alertMessage } from "../src/alerts/webhook.ts";
import { parseAgent } from "../src/agents/parse-agent.ts";
import { outputLine } from "../src/bulk/output-line.ts";
import { compileOptions } from "../src/compose.ts";
import { DEFAULT_CONFIG, configFileSchema } from "../src/config/config-file.ts";
import { InvalidInputError } from "../src/platform/problem.ts";
import { parseJsonDocument } from "../src/platform/json-document.ts";
import { commandsOf, openDocShell, whatIsWrong, type DocCommand } from "./support/doc-commands.ts";
import { checkTypes, writeSnippet } from "./support/doc-snippets.ts";
import { DEFAULTS, DOCUMENTS } from "./support/documents.ts";
import { parseMarkdown, readMarkdown, type CodeBlock } from "./support/markdown.ts";
import { startProgram, type ProgramResult } from "./support/run-cli.ts";
import { makeTempFolder } from "./support/temp-folder.ts";

/** What README and docs show works: every command and every snippet in them is run, every link followed. */

const ROOT = join(import.meta.dirname, "..");

/** Commands that something else runs. */
const RUN_ELSEWHERE: Readonly<Record<string, string>> = {
  "npm run demo": ".ci/run runs it",
  "npm test": "this is it",
  "npm run bench": "it measures for minutes, and means nothing beside other tests",
};

/** All but the one that changes the project: adding-a-provider.test.ts does what it says. */
const RUN_HERE = DOCUMENTS.filter(({ path }) => path !== "docs/adding-a-provider.md");

describe("the commands of", () => {
  it.each(RUN_HERE)("$path", { timeout: 240_000 }, async ({ path, blocks }) => {
    await using folder = await makeTempFolder();
    await cp(join(ROOT, "examples"), join(folder.path, "examples"), { recursive: true });
    await cp(join(ROOT, ".env.example"), join(folder.path, ".env.example"));
    await using shell = await openDocShell(folder.path);
    const wrong: string[] = [];
    for (const block of blocks) {
      writeFileOf(block, folder.path);
      for (const command of isShell(block) ? commandsOf(block) : []) {
        const where = `${path}:${command.line}: ${command.text}`;
        const reason = RUN_ELSEWHERE[command.text] ?? markOf(block, "not run: ");
        const problem = reason === undefined ? await shell.run(command) : null;
        if (reason !== undefined) console.log(`not run: ${where} (${reason})`);
        if (problem !== null) wrong.push(`${where}\n${problem}`);
      }
    }
    expect(wrong.join("\n\n")).toBe("");
  });

  it("no document are written in another way", () => {
    // docs-api.test.ts runs those in Python.
    const known = ["sh", "console", "ts", "json", "jsonc", "mermaid", "python", "text"];
    const unknown = DOCUMENTS.flatMap(({ path, blocks }) =>
      blocks
        .filter(({ language }) => !known.includes(language))
        .map(({ line, language }) => `${path}:${line} ${language}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe("TypeScript snippets", () => {
  const snippets = RUN_HERE.flatMap(({ path, blocks }) =>
    blocks.filter(({ language }) => language === "ts").map((block) => ({ ...block, where: `${path}:${block.line}` })),
  );

  it("compile and run", { timeout: 60_000 }, async () => {
    expect(snippets.length).toBeGreaterThan(0);
    await using folder = await makeTempFolder();
    const programs = await Promise.all(
      snippets.map(({ text }, index) => writeSnippet(folder.path, `snippet${index}`, text)),
    );
    const wrong = `import { createProducer } from "@puppet-engine/generation-worker";\nawait createProducer({ agent: [] });`;
    await writeSnippet(folder.path, "wrong", wrong);
    expect(await checkTypes(folder.path)).toEqual([expect.stringMatching(/wrong\.mts.*'agent' does not exist/)]);
    await using shell = await openDocShell(folder.path);
    expect(await shell.run({ line: 0, text: "puppet-engine worker", output: [], exitCode: 0 })).toBe(null);
    const results = await Promise.all(programs.map(async (program) => await runProgram(program, folder.path)));
    const failed = results.flatMap(({ code, stderr }, index) =>
      code === 0 && stderr === "" ? [] : [`${snippets[index]?.where}: exit code ${code}\n${stderr}`],
    );
    expect(failed).toEqual([]);
  });
});

describe("JSON snippets", () => {
  const snippets = RUN_HERE.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language }) => language === "json" || language === "jsonc")
      .map((block) => ({ ...block, where: `${path}:${block.line}`, value: jsonOf(block) })),
  );

  it.each(snippets)("$where is an agent, a configuration or an output line", (snippet) => {
    expect(whatIsWrongWithJson(snippet)).toBe(null);
  });

  it("of README show every field of the configuration file with its default", () => {
    expect(snippets.map(({ value }) => value)).toContainEqual(DEFAULT_CONFIG);
  });
});

describe("links", () => {
  it.each(DOCUMENTS)("of $path lead somewhere", ({ path, links }) => {
    const broken = links.filter(({ target }) => !/^https?:/.test(target) && !leadsSomewhere(path, target));
    expect(broken).toEqual([]);
  });
});

describe("these checks notice", () => {
  const [block] = parseMarkdown(
    "x.md",
    "<!-- exits with 2 -->\n\n```console\n$ puppet-engine usage --by day\na 12 … c\n```",
  ).blocks;
  const command = commandsOf(block as CodeBlock)[0] as DocCommand;
  const result = { signal: null, stderr: "" };

  it("another exit code, and output that does not come", () => {
    expect(command).toMatchObject({ line: 4, text: "puppet-engine usage --by day", output: ["a 12 … c"], exitCode: 2 });
    expect(whatIsWrong(command, { ...result, code: 0, stdout: "" })).toContain("exit code 0 instead of 2");
    expect(whatIsWrong(command, { ...result, code: 2, stdout: "a b c" })).toContain("not printed:\na 12 … c");
    expect(whatIsWrong(command, { ...result, code: 2, stdout: "a 7   b c" })).toBe(null);
  });

  it("a command that no test can run, and one that fails", async () => {
    await using folder = await makeTempFolder();
    await using shell = await openDocShell(folder.path);
    const wrong = { line: 1, output: [], exitCode: 0 };
    expect(await shell.run({ ...wrong, text: "rm -rf tweets.jsonl" })).toContain("no way to run");
    expect(await shell.run({ ...wrong, text: "puppet-engine usage --by colour" })).toContain("exit code 2");
  });

  it("a link without a target", () => {
    expect(leadsSomewhere("docs/cli.md", "../README.md#exit-codes")).toBe(true);
    expect(leadsSomewhere("docs/cli.md", "../README.md#exit-code")).toBe(false);
    expect(leadsSomewhere("docs/cli.md", "README.md")).toBe(false);
  });
});

const SAMPLE_OUTPUT = outputLine({
  ...{
    status: "succeeded",
    id: "1",
    agentId: "ada",
    kind: "tweet",
    text: "…",
    provider: "openai",
    model: "gpt-6-luna",
  },
  ...{ finishReason: "stop", adjustedParams: [], costMicroUsd: 1, finishedAt: 0 },
  finishing: { changes: ["quotes-removed"], weightedLength: 1, limit: 280 },
  usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  attempts: [
    {
      ...{ attempt: 1, provider: "openai", model: "gpt-6-luna", request: "generate", outcome: "succeeded" },
      ...{ durationMs: 1, inputTokens: 1, outputTokens: 1, costMicroUsd: 1, possiblyBilled: false, message: null },
    },
  ],
});

const SAMPLE_ALERT = alertMessage({
  ...({ id: "a1.1", alertId: "a1", state: "firing", kind: "quota-exhausted", severity: "critical" } as const),
  ...{ subject: "openai#1a2b3c4d", message: "…", namespace: "puppet", sinceAt: "…", sentAt: "…", details: {} },
});

interface JsonSnippet {
  readonly where: string;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly marks: readonly string[];
}

function whatIsWrongWithJson({ where, text, value, marks }: JsonSnippet): string | null {
  if (marks.includes("an alert"))
    return isDeepStrictEqual(shapeOf(value), shapeOf(SAMPLE_ALERT)) ? null : "other fields";
  if (marks.includes("an output line"))
    return isDeepStrictEqual(shapeOf(value), shapeOf(SAMPLE_OUTPUT)) ? null : "other fields";
  if (isConfig(value)) return configFileSchema.safeParse(value).error?.message ?? null;
  const isInvalid = marks.some((mark) => mark.endsWith(", invalid"));
  try {
    const { notes } = parseAgent(where, text, compileOptions(DEFAULTS));
    return isInvalid ? "a valid agent" : (notes[0] ?? null);
  } catch (error) {
    return isInvalid && error instanceof InvalidInputError ? null : String(error);
  }
}

function isConfig(value: object): boolean {
  return Object.keys(value).every((name) => name in DEFAULT_CONFIG);
}

async function runProgram(path: string, cwd: string): Promise<ProgramResult> {
  await using program = startProgram([path], { cwd });
  return await program.ended;
}

function isShell({ language }: CodeBlock): boolean {
  return language === "sh" || language === "console";
}

function markOf({ marks }: CodeBlock, start: string): string | undefined {
  return marks.find((mark) => mark.startsWith(start))?.slice(start.length);
}

/** `<!-- file: agents/juno.json -->`: later commands of the document need it. */
function writeFileOf(block: CodeBlock, folder: string): void {
  const name = markOf(block, "file: ")?.replace(", invalid", "");
  if (name === undefined) return;
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), block.text);
}

function jsonOf({ text, line }: CodeBlock): Record<string, unknown> {
  return parseJsonDocument(`line ${line}`, text).value as Record<string, unknown>;
}

/** Names of fields, whatever their values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return "value";
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shapeOf(part)]));
}

function leadsSomewhere(from: string, target: string): boolean {
  const [path = "", anchor] = target.split("#", 2);
  const file = path === "" ? from : join(dirname(from), path);
  if (!existsSync(join(ROOT, file))) return false;
  return anchor === undefined || (file.endsWith(".md") && readMarkdown(file).anchors.has(anchor));
}
