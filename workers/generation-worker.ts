/** A worker as a process of its own: takes jobs until SIGTERM. The same as `puppet-engine worker`. */
import { runProgram } from "../src/cli/program.ts";
import { guardOutput } from "../src/platform/guard-output.ts";
import { exitSoon } from "../src/platform/shutdown.ts";

guardOutput();
process.exitCode = await runProgram(["worker", ...process.argv.slice(2)]);
exitSoon();
