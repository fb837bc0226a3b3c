import { posix } from "node:path";

/** Which way imports may point. Reads the sources as text, since TypeScript 7 offers no parser to programs. */

export interface SourceFile {
  /** From the project's folder, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** What the files of one folder (or one file) may import, beside their own folder. */
export interface ImportRule {
  /** Folders or files under `src`. A folder ends in `/`. */
  readonly imports?: readonly string[];
  /** The same and packages, for `import type` only: nothing of it is there at run time. */
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  /** Computes only: not even Node's own modules. */
  readonly pure?: boolean;
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const STATIC_IMPORT = /^\s*(?:import|export)\s+(type\s)?[^"';]*?\bfrom\s*["']([^"']+)["']/gm;
const SIDE_EFFECT_IMPORT = /^\s*import\s*["']([^"']+)["']/gm;
const DYNAMIC_IMPORT = /\bimport\s*\(\s*(?:["']([^"']+)["'])?/g;

/** One line for each import that no rule allows, and for each file that no rule covers. */
export function findForbiddenImports(
  files: readonly SourceFile[],
  rules: Readonly<Record<string, ImportRule>>,
): string[] {
  return files.flatMap((file) => {
    const home = ruleFor(file.path, Object.keys(rules));
    if (home === null) return [`${file.path}: no rule says what it may import`];
    const rule = rules[home] ?? {};
    return importsOf(file.text)
      .filter((found) => !isAllowed(found, { file, home, rule }))
      .map(({ specifier, typeOnly }) => `${file.path}: may not import ${typeOnly ? "type " : ""}${specifier}`);
  });
}

export function importsOf(text: string): Import[] {
  return [
    ...[...text.matchAll(STATIC_IMPORT)].map(([, type, specifier = ""]) => ({
      specifier,
      typeOnly: type !== undefined,
    })),
    ...[...text.matchAll(SIDE_EFFECT_IMPORT)].map(([, specifier = ""]) => ({ specifier, typeOnly: false })),
    ...[...text.matchAll(DYNAMIC_IMPORT)].map(([, specifier = "(computed)"]) => ({ specifier, typeOnly: false })),
  ];
}

interface Place {
  readonly file: SourceFile;
  readonly home: string;
  readonly rule: ImportRule;
}

function isAllowed({ specifier, typeOnly }: Import, { file, home, rule }: Place): boolean {
  if (specifier.startsWith("node:")) return rule.pure !== true;
  if (!specifier.startsWith(".")) {
    return [...(rule.packages ?? []), ...(typeOnly ? (rule.types ?? []) : [])].includes(packageOf(specifier));
  }
  const target = posix.join(posix.dirname(file.path), specifier);
  const targets = [home, ...(rule.imports ?? []), ...(typeOnly ? (rule.types ?? []) : [])];
  return targets.some((allowed) => covers(allowed, target));
}

/** The most specific rule: `src/providers/openai/` before `src/providers/`. */
function ruleFor(path: string, homes: readonly string[]): string | null {
  const covering = homes.filter((home) => covers(home, path));
  return covering.reduce<string | null>(
    (longest, home) => (home.length > (longest?.length ?? 0) ? home : longest),
    null,
  );
}

function covers(folderOrFile: string, path: string): boolean {
  return folderOrFile.endsWith("/") ? path.startsWith(folderOrFile) : path === folderOrFile;
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
