import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Runs and type-checks TypeScript snippets as if they stood in a program that has installed the package. */

const ROOT = join(import.meta.dirname, "../..");
const PACKAGE = "@puppet-engine/generation-worker";

/** @returns the path of a program with the snippet in it, its import of the package pointed at the source */
export async function writeSnippet(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, `${name}.mts`);
  await writeFile(path, text.replaceAll(`"${PACKAGE}"`, JSON.stringify(join(ROOT, "src/index.ts"))));
  return path;
}

/** Checks all snippets of the folder with the project's own settings. @returns tsc's complaints, one a line */
export async function checkTypes(folder: string): Promise<string[]> {
  const config = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: { typeRoots: [join(ROOT, "node_modules/@types")], rewriteRelativeImportExtensions: false },
    include: ["*.mts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  return await new Promise((resolve) => {
    execFile(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], (error, stdout, stderr) =>
      resolve(error === null ? [] : `${stdout}${stderr}`.split("\n").filter((line) => /^\S/.test(line))),
    );
  });
}
