import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OPENAI } from "../src/providers/all-providers.ts";
import { PROVIDERS, type ProviderDefinition } from "../src/providers/registry.ts";
import { findForbiddenImports, importsOf, type ImportRule, type SourceFile } from "./support/import-rules.ts";

/** Conventions that a reader of this project may rely on, as tests. */

const ROOT = join(import.meta.dirname, "..");

const PROVIDER_CONTRACT = ["src/providers/provider.ts", "src/providers/provider-error.ts"];
const VENDOR: ImportRule = {
  imports: [
    ...["src/providers/provider-error.ts", "src/providers/http/", "src/providers/openai-compatible/"],
    ...["src/models/", "src/platform/"],
  ],
  types: ["src/providers/batch.ts", "src/providers/definition.ts", ...PROVIDER_CONTRACT],
};

/** The package of a vendor with a wire format of its own. */
const PACKAGES_OF_VENDORS: Readonly<Record<string, string>> = {
  anthropic: "@anthropic-ai/sdk",
  gemini: "@google/genai",
};

/**
 * The direction of imports, from the nouns outwards to the programs. A file may always import from its own folder;
 * what is not listed is forbidden.
 */
const RULES: Readonly<Record<string, ImportRule>> = {
  "src/platform/": { packages: ["fastest-levenshtein", "ioredis", "jsonc-parser", "pino", "pino-pretty", "zod"] },
  "src/job/": { imports: ["src/platform/"], types: PROVIDER_CONTRACT, packages: ["zod"], pure: true },
  "src/agents/": {
    imports: [
      ...["src/job/job-input.ts", "src/models/", "src/platform/"],
      ...["src/schedules/read-topics.ts", "src/schedules/schedule-file.ts"],
    ],
    types: ["src/job/", "src/schedules/schedule.ts", ...PROVIDER_CONTRACT],
    packages: ["zod"],
  },
  "src/models/": {
    imports: ["src/platform/"],
    types: PROVIDER_CONTRACT,
    packages: ["@pydantic/genai-prices", "zod"],
  },

  "src/providers/provider.ts": { pure: true },
  "src/providers/provider-error.ts": { types: ["src/providers/provider.ts"], pure: true },
  "src/providers/batch.ts": { types: PROVIDER_CONTRACT, pure: true },
  "src/providers/definition.ts": {
    types: ["src/providers/batch.ts", "src/models/", "src/providers/http/", ...PROVIDER_CONTRACT],
    pure: true,
  },
  "src/providers/registry.ts": { imports: ["src/providers/", "src/models/"] },
  "src/providers/all-providers.ts": { imports: ["src/providers/"] },
  // What all vendors share that are called over HTTP.
  "src/providers/http/": {
    imports: [
      ...["src/models/is-omitted.ts", "src/models/least-reasoning.ts"],
      ...["src/providers/provider-error.ts", "src/platform/"],
    ],
    types: ["src/models/", "src/providers/batch.ts", ...PROVIDER_CONTRACT],
    packages: ["eventsource-parser", "undici"],
  },
  "src/providers/openai-compatible/": { ...VENDOR, packages: ["openai", "zod"] },
  ...Object.fromEntries(
    PROVIDERS.map(({ id }) => [
      `src/providers/${id}/`,
      { ...VENDOR, packages: ["zod"].concat(PACKAGES_OF_VENDORS[id] ?? []) },
    ]),
  ),

  // One job, decided upon and run, against contracts only: no queue, no Redis, no vendor.
  "src/generation/": {
    imports: ["src/finishing/", "src/job/", "src/providers/provider-error.ts"],
    types: [
      ...["src/admission/admission.ts", "src/agents/agent.ts", "src/models/", "src/platform/"],
      ...["src/providers/batch.ts", ...PROVIDER_CONTRACT],
    ],
    pure: true,
  },
  // A model's text becomes a post: length, quotes, labels, what must not be published. Pure.
  "src/finishing/": { imports: ["src/platform/"], types: ["src/job/"], packages: ["twitter-text"], pure: true },
  // Which texts are like which, and what was written lately.
  "src/variety/": {
    imports: ["src/admission/keys.ts", "src/platform/"],
    types: ["src/generation/variety-guard.ts", "src/job/"],
    packages: ["ioredis"],
  },
  // When an agent posts by itself, and about what. No Redis, no queue.
  "src/schedules/": {
    imports: [
      ...["src/bulk/physical-lines.ts", "src/bulk/read-rows.ts", "src/bulk/row-to-job.ts"],
      ...["src/job/", "src/platform/"],
    ],
    packages: ["croner", "zod"],
  },
  // Jobs that go through a vendor's batch API.
  "src/batch/": {
    imports: [
      ...["src/admission/keys.ts", "src/generation/", "src/job/", "src/models/prices.ts", "src/platform/"],
      "src/providers/provider-error.ts",
    ],
    types: ["src/admission/admission.ts", "src/agents/agent.ts", "src/providers/batch.ts", ...PROVIDER_CONTRACT],
    packages: ["ioredis"],
  },
  "src/admission/": {
    imports: ["src/job/", "src/platform/"],
    types: ["src/agents/agent.ts", ...PROVIDER_CONTRACT],
    packages: ["ioredis"],
  },
  "src/storage/": {
    imports: ["src/admission/keys.ts", "src/job/", "src/platform/"],
    types: [
      "src/admission/limit-policy.ts",
      "src/generation/refused-parameters.ts",
      "src/generation/response-cache.ts",
    ],
    packages: ["ioredis"],
  },
  "src/queue/": {
    imports: ["admission", "agents", "generation", "job", "models", "platform", "schedules", "storage"].map(
      (folder) => `src/${folder}/`,
    ),
    packages: ["bullmq", "ioredis", "zod"],
  },
  "src/bulk/": {
    imports: [
      ...["src/agents/build-prompt.ts", "src/generation/input-bytes.ts", "src/generation/token-estimator.ts"],
      ...["src/job/", "src/platform/"],
    ],
    types: ["src/agents/agent.ts", "src/models/", "src/queue/producer.ts", "src/storage/run-book.ts"],
    packages: ["csv-parse", "zod"],
  },
  "src/compare/": {
    imports: [
      ...["src/agents/", "src/bulk/", "src/generation/input-bytes.ts", "src/generation/recovery.ts"],
      ...["src/job/", "src/models/model-names.ts", "src/models/retirement.ts", "src/platform/"],
    ],
    types: ["src/models/", "src/queue/producer.ts", "src/storage/health-report.ts", ...PROVIDER_CONTRACT],
  },
  "src/config/": {
    imports: [
      "src/job/",
      "src/models/",
      "src/platform/",
      "src/providers/registry.ts",
      "src/providers/http/normalize-endpoint.ts",
      "src/providers/openai-compatible/define-openai-alike.ts",
    ],
    types: [
      ...["src/admission/limit-policy.ts", "src/batch/batch-run.ts", "src/generation/run.ts"],
      "src/variety/redis-variety-guard.ts",
    ],
    packages: ["zod"],
  },

  "src/monitor/": {
    imports: ["src/admission/sweeper.ts", "src/job/", "src/platform/", "src/queue/lane.ts", "src/storage/"],
    types: ["bullmq", "ioredis"],
    packages: ["@bull-board/api", "@bull-board/fastify", "@fastify/helmet", "fastify", "prom-client"],
  },
  "src/checks/": {
    imports: [
      ...["src/agents/", "src/config/", "src/models/", "src/platform/", "src/providers/", "src/schedules/"],
      "src/admission/sweeper.ts",
    ],
    types: ["ioredis"],
  },

  // The only place that knows implementations.
  "src/compose.ts": {
    imports: ["agents", "config", "models", "platform", "queue"].map((folder) => `src/${folder}/`),
    types: ["src/schedules/schedule.ts"],
  },
  "src/compose-worker.ts": {
    imports: ["admission", "agents", "config", "generation", "platform", "queue", "storage", "variety"]
      .map((folder) => `src/${folder}/`)
      .concat(
        "src/compose.ts",
        "src/compose-batcher.ts",
        "src/providers/registry.ts",
        "src/schedules/topics-reader.ts",
      ),
    packages: ["ioredis"],
  },
  "src/compose-batcher.ts": {
    imports: ["admission", "batch", "config", "platform", "queue"].map((folder) => `src/${folder}/`),
    types: ["src/agents/agent.ts", "src/generation/run.ts", "src/job/", "ioredis"],
  },
  "src/compose-monitor.ts": { imports: ["config", "monitor", "platform", "queue"].map((folder) => `src/${folder}/`) },
  "src/compose-operator.ts": {
    imports: [
      ...["src/admission/claims.ts", "src/batch/batch-store.ts"],
      ...["config", "platform", "queue", "storage"].map((folder) => `src/${folder}/`),
    ],
    types: ["src/agents/agent.ts", "src/job/"],
  },
  "src/index.ts": {
    imports: ["src/compose.ts", "src/queue/enqueue-batch.ts", "src/platform/"],
    types: [
      ...["src/admission/claims.ts", "src/job/", "src/queue/producer.ts", "src/queue/schedule-book.ts"],
      ...["src/schedules/schedule.ts", ...PROVIDER_CONTRACT],
    ],
  },
  "src/cli/": {
    imports: [
      ...["src/compose.ts", "src/compose-monitor.ts", "src/compose-operator.ts", "src/compose-worker.ts"],
      ...["src/config/", "src/index.ts", "src/job/bulk-run.ts", "src/platform/", "src/models/"],
      ...["src/agents/", "src/bulk/", "src/checks/", "src/compare/", "src/schedules/", "src/storage/"],
      ...["src/admission/sweeper.ts", "src/providers/registry.ts", "src/queue/enqueue-batch.ts"],
    ],
    types: ["src/job/", "src/queue/"],
    packages: ["cli-progress", "cli-table3", "commander"],
  },
  "workers/": {
    imports: ["src/cli/program.ts", "src/compose.ts", "src/config/", "src/index.ts", "src/platform/"],
  },
};

const sources = readSources("{src,workers}/**/*.ts");

describe("imports", () => {
  it("point only where the table allows", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap(({ text }) => importsOf(text)).length).toBeGreaterThan(100);
    expect(findForbiddenImports(sources, RULES)).toEqual([]);
  });

  it("have no rule for a folder that does not exist", () => {
    expect(Object.keys(RULES).filter((home) => !existsSync(join(ROOT, home)))).toEqual([]);
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
