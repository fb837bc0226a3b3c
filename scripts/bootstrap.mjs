// Sets the project up and runs a command in it: `node scripts/bootstrap.mjs [command arguments…]`.
// It needs Node 20 and npm and nothing else, so it uses plain JavaScript and Node's own modules only.
// What it says goes to stderr: stdout belongs to the command.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDependencies } from "./install-dependencies.mjs";
import { ensureRedis } from "./install-redis.mjs";
import { projectNode, runCommand } from "./run-command.mjs";
import { explainUnsupportedMachine, SetupError } from "./setup-error.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  const problem = explainUnsupportedMachine(process.versions.node, process.platform);
  if (problem !== null) throw new SetupError(problem, 2);
  await ensureDependencies(root);
  projectNode(root);
  await ensureRedis(root);
  const command = process.argv.slice(2);
  if (command.length === 0) console.error("Everything is set up. Next: npm run demo");
  else process.exitCode = await runCommand(root, command);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}
