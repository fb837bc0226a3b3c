import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { controlKeys } from "../src/admission/keys.ts";
import { agentFileSchema } from "../src/agents/agent-schema.ts";
import { parseAgent, parseAgentObject } from "../src/agents/parse-agent.ts";
import { outputLine } from "../src/bulk/output-line.ts";
import { EXIT } from "../src/cli/exit-codes.ts";
import { compileOptions } from "../src/compose.ts";
import { DEFAULT_CONFIG, configFileSchema } from "../src/config/config-file.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { RECOVERY } from "../src/generation/recovery.ts";
import { parseJsonDocument } from "../src/platform/json-document.ts";
import { LOG_LEVELS } from "../src/platform/logger.ts";
import { RESPONSE_STYLES } from "../src/providers/fake/phrases.ts";
import { PROVIDERS } from "../src/providers/registry.ts";
import { USAGE_DIMENSIONS } from "../src/storage/usage-report.ts";
import { commandsOf, openDocShell, whatIsWrong } from "./support/doc-commands.ts";
import { checkTypes, writeSnippet } from "./support/doc-snippets.ts";
import { codeWords, parseMarkdown, readMarkdown, type CodeBlock, type MarkdownDocument } from "./support/markdown.ts";
import { runCli, startCli, startProgram } from "./support/run-cli.ts";
import { makeTempFolder } from "./support/temp-folder.ts";

/** What README and docs say is what the program does: every snippet is run, every table compared with the code. */

const ROOT = join(import.meta.dirname, "..");
const DOCUMENTS = ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).sort()].map(readMarkdown);
const README = documentAt("README.md");
const DEFAULTS = loadConfig({ environment: {}, directory: join(ROOT, "test"), isTerminal: false });

/** Commands that something else runs. */
const RUN_ELSEWHERE: Readonly<Record<string, string>> = {
  "npm run demo": ".ci/run runs it",
  "npm test": "this is it",
  "npm run bench": "it measures for minutes, and means nothing beside other tests",
};

describe("the commands of", () => {
  it.each(DOCUMENTS)("$path", { timeout: 120_000 }, async (document) => {
    await using folder = await makeTempFolder();
    await cp(join(ROOT, "examples"), join(folder.path, "examples"), { recursive: true });
    await cp(join(ROOT, ".env.example"), join(folder.path, ".env.example"));
    await using shell = await openDocShell(folder.path);
    for (const block of document.blocks) {
      writeFileOf(block, folder.path);
      for (const command of isShell(block) ? commandsOf(block) : []) {
        const reason = RUN_ELSEWHERE[command.text] ?? markOf(block, "not run: ");
        const where = `${document.path}:${command.line}: ${command.text}`;
        if (reason === undefined) expect(await shell.run(command), where).toBe(null);
        else console.log(`not run: ${where} (${reason})`);
      }
    }
  });

  it("no document are written in another way", () => {
    const known = ["sh", "console", "ts", "json", "jsonc", "mermaid"];
    const unknown = DOCUMENTS.flatMap(({ path, blocks }) =>
      blocks
        .filter(({ language }) => !known.includes(language))
        .map(({ line, language }) => `${path}:${line} ${language}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe("TypeScript snippets", () => {
  const snippets = DOCUMENTS.flatMap(({ path, blocks }) =>
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
    await using worker = startCli(["worker"], { cwd: folder.path });
    await worker.waitForOutput(/is taking jobs/);
    for (const [index, program] of programs.entries()) {
      await using running = startProgram([program], { cwd: folder.path });
      expect(await running.ended, snippets[index]?.where).toMatchObject({ code: 0, stderr: "" });
    }
  });
});

describe("JSON snippets", () => {
  const snippets = DOCUMENTS.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language }) => language === "json" || language === "jsonc")
      .map((block) => ({ ...block, where: `${path}:${block.line}`, value: jsonOf(block) })),
  );
  const configs = snippets.filter(({ value }) => Object.keys(value).every((key) => key in DEFAULT_CONFIG));

  it.each(snippets)("$where is an agent, a configuration or an output line", (snippet) => {
    const { text, where, value, marks } = snippet;
    if (marks.some((mark) => mark.endsWith(", invalid"))) {
      expect(() => parseAgent(where, text, compileOptions(DEFAULTS))).toThrow(where);
    } else if (marks.includes("an output line")) expect(shapeOf(value)).toEqual(shapeOf(SAMPLE_OUTPUT));
    else if (configs.includes(snippet)) expect(configFileSchema.safeParse(value)).toMatchObject({ success: true });
    else expect(parseAgent(where, text, compileOptions(DEFAULTS)).notes).toEqual([]);
  });

  it("of README show every field of the configuration file with its default", () => {
    expect(configs.map(({ value }) => value)).toContainEqual(DEFAULT_CONFIG);
  });
});

describe("environment variables", () => {
  const example = readFileSync(join(ROOT, ".env.example"), "utf8");
  const inExample = [...example.matchAll(/^# ?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name = "", value = ""]) => ({
    name,
    value,
  }));
  const names = inExample.map(({ name }) => name).sort();
  const rows = README.tables.find(({ section }) => section === "Configuration")?.rows ?? [];

  it("in .env.example are those that the code reads", () => {
    expect(names).toEqual([...variablesRead()].sort());
  });

  it("in the README's table are the same", () => {
    expect(rows.flatMap(([cell = ""]) => codeWords(cell)).sort()).toEqual(names);
  });

  it("have a comment each in .env.example, and no value that a copy would set", () => {
    expect(parseEnv(example)).toEqual({});
    const uncommented = example
      .split("\n\n")
      .filter((group) => /^# [A-Z_]+=/m.test(group) && !/^# (?![A-Z_]+=|---)\S/m.test(group));
    expect(uncommented).toEqual([]);
  });

  it("have their defaults as values in .env.example", () => {
    const isExample = (name: string): boolean => /_FILE$|^REDIS_URL$|^AGENTS_DIR$|^PUPPET_ENGINE_CONFIG$/.test(name);
    const environment = Object.fromEntries(
      inExample.filter(({ name }) => !isExample(name)).map(({ name, value }) => [name, value]),
    );
    expect(loadConfig({ environment, directory: join(ROOT, "test"), isTerminal: false })).toEqual(DEFAULTS);
  });

  it("have the defaults of the registry in the README's table", () => {
    const defaultOf = (variable: string | null) => rows.find(([cell = ""]) => codeWords(cell)[0] === variable)?.[2];
    for (const { modelVariable, defaultModel, endpointVariable, defaultBaseUrl } of PROVIDERS) {
      if (modelVariable !== null) expect(defaultOf(modelVariable)).toBe(`\`${defaultModel}\``);
      if (endpointVariable !== null) expect(defaultOf(endpointVariable)).toBe(`\`${defaultBaseUrl}\``);
    }
    const levels = rows.find(([cell]) => cell === "`LOG_LEVEL`")?.[1] ?? "";
    expect(codeWords(levels)).toEqual([...LOG_LEVELS]);
  });
});

describe("the table of", () => {
  it("exit codes has all of them", () => {
    expect(firstCells(README, "Exit codes")).toEqual(Object.values(EXIT).map(String));
  });

  it("answers in the README has every kind of error once, and in a row only what is treated alike", () => {
    const rows = tableOf(README, "What an answer leads to").map(([, kinds = ""]) => codeWords(kinds));
    expect(rows.flat().sort()).toEqual(Object.keys(RECOVERY).sort());
    for (const kinds of rows) {
      const treatments = kinds.map((kind) => {
        const { sameProvider, failOver, pausesProvider } = RECOVERY[kind as keyof typeof RECOVERY];
        return JSON.stringify({ sameProvider, failOver, pausesProvider });
      });
      expect(new Set(treatments).size, kinds.join()).toBe(1);
    }
  });

  it("errors in the architecture is the recovery table", () => {
    const expected = Object.entries(RECOVERY).map(([kind, { sameProvider, failOver, pausesProvider }]) => [
      `\`${kind}\``,
      sameProvider,
      failOver,
      pausesProvider ? "yes" : "no",
    ]);
    expect(tableOf(documentAt("docs/architecture.md"), "What each error leads to")).toEqual(expected);
  });

  it("Redis keys has all of ours", () => {
    const anonymous = (key: string): string => key.replace(/<[^>]*>/g, "<>");
    const documented = firstCells(documentAt("docs/architecture.md"), "What is in Redis").map((cell) =>
      anonymous(codeWords(cell)[0] ?? ""),
    );
    const keys = Object.entries(controlKeys("puppet"))
      .filter(([name]) => name !== "namespace")
      .map(([, key]) => (typeof key === "string" ? key : (key as (...parts: string[]) => string)("<>", "<>")));
    expect(documented).toEqual(expect.arrayContaining(keys));
  });

  it("the layout has every part of src, and nothing that is not there", () => {
    const documented = firstCells(documentAt("docs/architecture.md"), "Layout").map((cell) => codeWords(cell)[0] ?? "");
    expect(documented.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const parts = readdirSync(join(ROOT, "src"), { withFileTypes: true }).map(
      (entry) => `src/${entry.name}${entry.isDirectory() ? "/" : ""}`,
    );
    expect(documented.filter((path) => path.startsWith("src/")).sort()).toEqual(parts.sort());
  });
});

describe("the agent reference", () => {
  const agents = documentAt("docs/agents.md");
  const file = agentFileSchema(PROVIDERS.map(({ id }) => id));
  const fields = (section: string): string[] => firstCells(agents, section).map((cell) => codeWords(cell)[0] ?? "");

  it("has the fields of the file, of llm_config and of the persona", () => {
    const persona = ["personality", "style_guide", "initial_memory"];
    expect(fields("The file").sort()).toEqual(Object.keys(file.shape).sort());
    expect(fields("llm_config").sort()).toEqual(pathsOf(file.shape.llm_config).sort());
    const paths = persona.flatMap((name) =>
      pathsOf(file.shape[name as "personality"]).map((path) => `${name}.${path}`),
    );
    expect(fields("The persona").sort()).toEqual(paths.sort());
  });

  it.each([agents, README])("has the defaults that an agent gets, in $path", (document) => {
    const rows = tableOf(document, document === README ? "Agents" : "llm_config");
    const { agent } = parseAgentObject("agent", { id: "a", name: "A" }, compileOptions(DEFAULTS));
    const { parameters, timeoutMs, provider } = agent.chain[0];
    const defaultOf = (field: string): string =>
      (rows.find(([name = ""]) => codeWords(name).includes(field))?.at(-1) ?? "").replace(/;.*/, "");
    expect(defaultOf("temperature")).toBe(String(parameters.temperature));
    expect(defaultOf("max_tokens")).toBe(String(parameters.maxTokens));
    expect(defaultOf("top_p")).toBe(String(parameters.topP));
    expect(defaultOf("frequency_penalty")).toBe(String(parameters.frequencyPenalty));
    expect(defaultOf("presence_penalty")).toBe(String(parameters.presencePenalty));
    expect(defaultOf("timeout")).toBe(String(timeoutMs / 1000));
    expect(provider).toBe("openai");
  });

  it("has every response style, and the fields of the README are among its own", () => {
    expect(fields("The fake provider")).toEqual([...RESPONSE_STYLES]);
    const inReadme = firstCells(README, "Agents").flatMap(codeWords);
    expect([...fields("The file"), ...fields("llm_config")]).toEqual(expect.arrayContaining(inReadme));
  });
});

describe("the reference of commands", () => {
  const cli = documentAt("docs/cli.md");

  it("has a section for every command and an option for every option", { timeout: 60_000 }, async () => {
    const commands = commandsIn(await help([])).filter((name) => name !== "help");
    expect(cli.headings.filter(({ level }) => level === 2).map(({ text }) => text)).toEqual(commands);
    const documented = commands.map((name) => [name, optionsIn(tableOf(cli, name))] as const);
    const actual = await Promise.all(commands.map(async (name) => [name, await optionsOf(name)] as const));
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(actual));
  });

  it("says which options belong to which kind of job", async () => {
    for (const kind of ["tweet", "reply", "content"]) {
      const rows = tableOf(cli, "enqueue").filter(([, of = ""]) => of === "all" || codeWords(of).includes(kind));
      expect(optionsIn(rows), kind).toEqual(longOptions(await help(["enqueue", kind])));
    }
  });

  it("has the dimensions of usage", () => {
    const cell = tableOf(cli, "usage").find(([option = ""]) => option.includes("--by"))?.[1] ?? "";
    expect(codeWords(cell)).toEqual([...USAGE_DIMENSIONS]);
  });

  async function optionsOf(command: string): Promise<string[]> {
    const text = await help([command]);
    const nested = commandsIn(text).filter((name) => name !== "help");
    const texts = await Promise.all(nested.map(async (name) => await help([command, name])));
    return [...new Set([text, ...texts].flatMap(longOptions))].sort();
  }
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
  const [command] = commandsOf(block as CodeBlock);
  const result = { signal: null, stderr: "" };

  it("another exit code, and output that does not come", () => {
    expect(command).toMatchObject({ line: 4, text: "puppet-engine usage --by day", output: ["a 12 … c"], exitCode: 2 });
    if (command === undefined) return;
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
  usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  attempts: [
    {
      ...{ attempt: 1, provider: "openai", model: "gpt-6-luna", request: "generate", outcome: "succeeded" },
      ...{ durationMs: 1, inputTokens: 1, outputTokens: 1, costMicroUsd: 1, possiblyBilled: false, message: null },
    },
  ],
});

function documentAt(path: string): MarkdownDocument {
  const document = DOCUMENTS.find((candidate) => candidate.path === path);
  if (document === undefined) throw new Error(`${path} is missing`);
  return document;
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

/** Every variable that is asked for, with keys and without. */
function variablesRead(): Set<string> {
  const names = new Set<string>();
  for (const values of [{}, { OPENAI_API_KEY: "sk-test", GROK_API_KEY: "xai-test" }]) {
    const environment = new Proxy<Record<string, string>>(values, {
      get: (target, name: string) => (names.add(name), target[name]),
    });
    loadConfig({ environment, directory: join(ROOT, "test"), isTerminal: false });
  }
  return names;
}

function tableOf(document: MarkdownDocument, section: string): readonly (readonly string[])[] {
  const tables = document.tables.filter((table) => table.section === section);
  return tables.flatMap(({ rows }) => rows);
}

function firstCells(document: MarkdownDocument, section: string): string[] {
  const cells = tableOf(document, section).map(([cell = ""]) => cell);
  expect(cells.length, `${document.path}, ${section}`).toBeGreaterThan(0);
  return cells;
}

/** `formatting.uses_emojis`; the inside of records and lists is no field. */
function pathsOf(schema: z.ZodType): string[] {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) => {
    const inside = pathsOf(field);
    return inside.length === 0 ? [name] : inside.map((path) => `${name}.${path}`);
  });
}

async function help(command: readonly string[]): Promise<string> {
  return (await runCli([...command, "--help"])).stdout;
}

function commandsIn(text: string): string[] {
  const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(text)?.[1] ?? "";
  return [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name = ""]) => name);
}

function longOptions(text: string): string[] {
  return [...text.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name = ""]) => name).sort();
}

function optionsIn(rows: readonly (readonly string[])[]): string[] {
  return rows.flatMap(([cell = ""]) => /--[a-z-]+/.exec(cell) ?? []).sort();
}

function leadsSomewhere(from: string, target: string): boolean {
  const [path = "", anchor] = target.split("#", 2);
  const file = path === "" ? from : join(dirname(from), path);
  if (!existsSync(join(ROOT, file))) return false;
  return anchor === undefined || (file.endsWith(".md") && readMarkdown(file).anchors.has(anchor));
}
