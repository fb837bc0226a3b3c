/** A worker as a process of its own: takes jobs until SIGTERM. The same as `puppet-engine worker`. */
import { enableCompileCache } from "node:module";
import { guardOutput } from "../src/platform/guard-output.ts";
import { exitSoon } from "../src/platform/shutdown.ts";

guardOutput();
// Compiled code is kept in the system's temporary folder: the next start costs two thirds.
enableCompileCache();
const { runProgram } = await import("../src/cli/program.ts");
process.exitCode = await runProgram(["worker", ...process.argv.slice(2)]);
exitSoon();
