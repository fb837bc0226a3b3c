import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { controlKeys } from "../src/admission/keys.ts";
import { agentFileSchema } from "../src/agents/agent-schema.ts";
import { parseAgentObject } from "../src/agents/parse-agent.ts";
import { EXIT } from "../src/cli/exit-codes.ts";
import { compileOptions } from "../src/compose.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { RECOVERY } from "../src/generation/recovery.ts";
import { LOG_LEVELS } from "../src/platform/logger.ts";
import { RESPONSE_STYLES } from "../src/providers/fake/phrases.ts";
import { PROVIDERS } from "../src/providers/registry.ts";
import { USAGE_DIMENSIONS } from "../src/storage/usage-report.ts";
import { readHelp } from "./support/cli-help.ts";
import { DEFAULTS, documentAt, tableOf } from "./support/documents.ts";
import { codeWords, type MarkdownDocument } from "./support/markdown.ts";

/** The tables of README and docs, and `.env.example`, say what the code does. */

const ROOT = join(import.meta.dirname, "..");
const README = documentAt("README.md");
/** A folder without `.env`. */
const NOWHERE = import.meta.dirname;

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
    expect(loadConfig({ environment, directory: NOWHERE, isTerminal: false })).toEqual(DEFAULTS);
  });

  it("have the defaults of the registry in the README's table", () => {
    const defaultOf = (variable: string | null) => rows.find(([cell = ""]) => codeWords(cell)[0] === variable)?.[2];
    const expected = PROVIDERS.flatMap(({ modelVariable, defaultModel, endpointVariable, defaultBaseUrl }) => [
      { variable: modelVariable, value: `\`${defaultModel}\`` },
      { variable: endpointVariable, value: `\`${defaultBaseUrl}\`` },
    ]).filter(({ variable }) => variable !== null);
    expect(expected.map(({ variable }) => ({ variable, value: defaultOf(variable) }))).toEqual(expected);
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
    const treatment = (kind: string): string => {
      const { sameProvider, failOver, pauses } = RECOVERY[kind as keyof typeof RECOVERY];
      return JSON.stringify({ sameProvider, failOver, pauses });
    };
    expect(rows.filter((kinds) => new Set(kinds.map(treatment)).size !== 1)).toEqual([]);
  });

  it("errors in the architecture is the recovery table", () => {
    const expected = Object.entries(RECOVERY).map(([kind, { sameProvider, failOver, pauses }]) => [
      `\`${kind}\``,
      sameProvider,
      failOver,
      pauses ?? "no",
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

  it("has a section for every command, with all of its options and no others", async () => {
    const help = await readHelp();
    const commands = help.find(({ command }) => command === "")?.subCommands ?? [];
    expect(commands.length).toBeGreaterThan(0);
    expect(cli.headings.filter(({ level }) => level === 2).map(({ text }) => text)).toEqual(commands);

    const optionsOf = (name: string): string[] =>
      help.filter(({ command }) => command.split(" ")[0] === name).flatMap(({ options }) => options);
    const actual = commands.map((name) => ({ name, options: [...new Set(optionsOf(name))].sort() }));
    expect(commands.map((name) => ({ name, options: optionsIn(tableOf(cli, name)) }))).toEqual(actual);

    // The table says to which kind of job each option belongs.
    const kinds = help.filter(({ command }) => command.startsWith("enqueue "));
    const documented = kinds.map(({ command }) => optionsIn(tableOf(cli, "enqueue").filter(isFor(command))));
    expect(documented).toEqual(kinds.map(({ options }) => options));
  });

  it("has the dimensions of usage", () => {
    const cell = tableOf(cli, "usage").find(([option = ""]) => option.includes("--by"))?.[1] ?? "";
    expect(codeWords(cell)).toEqual([...USAGE_DIMENSIONS]);
  });
});

/** Every variable that is asked for, with keys and without. */
function variablesRead(): Set<string> {
  const names = new Set<string>();
  for (const values of [{}, { OPENAI_API_KEY: "sk-test", GROK_API_KEY: "xai-test" }]) {
    const environment = new Proxy<Record<string, string>>(values, {
      get: (target, name: string) => (names.add(name), target[name]),
    });
    loadConfig({ environment, directory: NOWHERE, isTerminal: false });
  }
  return names;
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

function optionsIn(rows: readonly (readonly string[])[]): string[] {
  return rows.flatMap(([cell = ""]) => /--[a-z-]+/.exec(cell) ?? []).sort();
}

/** @param command such as `enqueue tweet` */
function isFor(command: string): (row: readonly string[]) => boolean {
  return ([, of = ""]) => of === "all" || codeWords(of).includes(command.split(" ")[1] ?? "");
}
