import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OPENAI } from "../src/providers/all-providers.ts";
import { PROVIDERS, type ProviderDefinition } from "../src/providers/registry.ts";
import { findForbiddenImports, importsOf, type ImportRule, type SourceFile } from "./support/import-rules.ts";
import { LAYERS } from "./support/layers.ts";

/** Conventions that a reader of this project may rely on, as tests. */

const ROOT = join(import.meta.dirname, "..");

const sources = readSources("{src,workers}/**/*.ts");

describe("imports", () => {
  it("point only where the table allows", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap(({ text }) => importsOf(text)).length).toBeGreaterThan(100);
    expect(findForbiddenImports(sources, LAYERS)).toEqual([]);
  });

  it("have no rule for a folder that does not exist", () => {
    expect(Object.keys(LAYERS).filter((home) => !existsSync(join(ROOT, home)))).toEqual([]);
  });

  it("of BullMQ are in src/queue alone", () => {
    const usesBullmq = ({ text }: SourceFile) =>
      importsOf(text).some(({ specifier, typeOnly }) => specifier === "bullmq" && !typeOnly);
    const users = sources.filter(usesBullmq).map(({ path }) => path);
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((path) => !path.startsWith("src/queue/"))).toEqual([]);
  });
});

describe("the environment", () => {
  it("is read in src/config/load-config.ts alone", () => {
    const readers = sources.filter(({ text }) => readsEnvironment(text)).map(({ path }) => path);
    expect(readers).toEqual(["src/config/load-config.ts"]);
  });
});

describe("sizes", () => {
  it("keep every file of src under 300 lines", () => {
    expect(longerThan(300, "src/")).toEqual([]);
  });

  it("keep every entry point in workers under 40 lines", () => {
    expect(longerThan(40, "workers/")).toEqual([]);
  });
});

describe("package-lock.json", () => {
  it("lists the packages of every platform: npm ci fails without them", () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as LockFile;
    const listed = new Set(Object.keys(packages).map((path) => path.split("node_modules/").at(-1)));
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies),
    );
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.filter((name) => !listed.has(name))).toEqual([]);
  });
});

describe("every provider", () => {
  /** Folders that several vendors share. */
  const SHARED = ["http", "openai-compatible"];
  const providers = PROVIDERS.map(({ id }) => id);

  it("has a folder, and every folder is a provider's", () => {
    const folders = readdirSync(join(ROOT, "src/providers")).filter((name) => isFolder("src/providers", name));
    expect(folders.filter((name) => !SHARED.includes(name)).toSorted()).toEqual(providers.toSorted());
  });

  it("has recorded answers in test/fixtures, of its own or of others that are called in the same way", () => {
    expect(providers.length).toBeGreaterThan(1);
    const isRecorded = ({ id, defaultBaseUrl, callPath }: ProviderDefinition): boolean =>
      isFolder("test/fixtures", id) || defaultBaseUrl === null || callPath === OPENAI.callPath;
    expect(PROVIDERS.filter((provider) => !isRecorded(provider)).map(({ id }) => id)).toEqual([]);
  });

  it("runs the conformance tests", () => {
    expect(providers.filter((id) => !existsSync(join(ROOT, `test/conformance/${id}.test.ts`)))).toEqual([]);
  });
});

describe("these checks notice", () => {
  const rules: Readonly<Record<string, ImportRule>> = {
    "src/inner/": { pure: true },
    "src/outer/": { imports: ["src/inner/"], types: ["src/types.ts"], packages: ["@scope/known"] },
  };
  const check = (path: string, text: string) => findForbiddenImports([{ path, text }], rules);

  it.each([
    ["a folder that is not listed", `import { a } from "../outer/a.ts";`, "may not import ../outer/a.ts"],
    ["an import over several lines", `import {\n  a,\n  b,\n} from "../outer/a.ts";`, "may not import ../outer/a.ts"],
    ["a re-export", `export * from '../outer/a.ts';`, "may not import ../outer/a.ts"],
    ["an import for its effect", `import "../outer/a.ts";`, "may not import ../outer/a.ts"],
    ["a dynamic import", `const a = await import("../outer/a.ts");`, "may not import ../outer/a.ts"],
    ["a computed import", "const a = await import(name);", "may not import (computed)"],
    ["a type", `import type { A } from "../outer/a.ts";`, "may not import type ../outer/a.ts"],
    ["a package", `import { Queue } from "bullmq/sub";`, "may not import bullmq/sub"],
    ["a type of a package", `import type { Queue } from "bullmq";`, "may not import type bullmq"],
    ["Node's modules where they are not wanted", `import fs from "node:fs";`, "may not import node:fs"],
  ])("%s", (_what, text, problem) => {
    expect(check("src/inner/file.ts", text)).toEqual([`src/inner/file.ts: ${problem}`]);
  });

  it("a value where only types are allowed", () => {
    expect(check("src/outer/file.ts", `import { A } from "../types.ts";`)).toHaveLength(1);
    expect(check("src/outer/file.ts", `import { type A } from "../types.ts";`)).toHaveLength(1);
    expect(check("src/outer/file.ts", `import type { A } from "../types.ts";`)).toEqual([]);
  });

  it("a file without a rule", () => {
    expect(check("src/new/file.ts", "")).toEqual(["src/new/file.ts: no rule says what it may import"]);
  });

  it("nothing wrong in what is allowed, in comments and in texts", () => {
    const text = `
      import { a } from "../inner/a.ts";
      import b from "./b.ts";
      import { c } from "@scope/known/deep";
      import fs from "node:fs";
      // import { d } from "forbidden";
      const sentence = 'Take it from "there"';
    `;
    expect(check("src/outer/file.ts", text)).toEqual([]);
  });

  it.each([`process.env["KEY"]`, `const { env } = process;`, `process["env"]`, `import { env } from "node:process";`])(
    "that %s reads the environment",
    (text) => expect(readsEnvironment(text)).toBe(true),
  );

  it("that a comment does not", () => {
    expect(readsEnvironment("// process.env\n/* process.env */ process.exit(1);")).toBe(false);
  });
});

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

function readSources(pattern: string): SourceFile[] {
  return globSync(pattern, { cwd: ROOT }).map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

function readsEnvironment(text: string): boolean {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return /\bprocess\s*(\?\.|\.|\[["'])\s*env\b|\benv\b[^=;]*\}\s*(=\s*process\b|from\s*["'](node:)?process["'])/.test(
    code,
  );
}

function longerThan(lines: number, folder: string): string[] {
  const files = sources.filter(({ path }) => path.startsWith(folder));
  expect(files.length).toBeGreaterThan(0);
  return files.filter(({ text }) => text.trimEnd().split("\n").length > lines).map(({ path }) => path);
}

function isFolder(parent: string, name: string): boolean {
  return statSync(join(ROOT, parent, name), { throwIfNoEntry: false })?.isDirectory() === true;
}
