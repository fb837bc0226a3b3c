import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Builds `dist/`, which is what the npm package holds: JavaScript and declarations of `src` and `workers`. */

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
/** Read at run time, so the compiler does not know about them. */
const DATA_FILES = ["src/**/*.{lua,json}", "src/monitor/assets/*.{css,js,svg}"];

rmSync(DIST, { recursive: true, force: true });
const compiler = spawnSync("tsc", ["--project", "tsconfig.build.json"], { cwd: ROOT, stdio: "inherit" });
if (compiler.error !== undefined) throw compiler.error;
if (compiler.status !== 0) process.exit(compiler.status ?? 1);
for (const file of globSync(DATA_FILES, { cwd: ROOT })) cpSync(join(ROOT, file), join(DIST, file));
chmodSync(join(DIST, "src/cli/main.js"), 0o755);
