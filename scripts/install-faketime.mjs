// Brings libfaketime for the tests of clocks that jump, which are skipped without it: `node scripts/install-faketime.mjs
// [FOLDER]`. On Debian and Ubuntu the package is unpacked into FOLDER (default .puppet-engine/faketime); elsewhere it says how.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unpackWithApt } from "./apt.mjs";
import { findFaketime } from "./faketime.ts";

const ELSEWHERE = "Install libfaketime with your package manager; on Linux only, because Node and Redis must take it";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.argv[2] ?? join(root, ".puppet-engine", "faketime");

if (findFaketime(folder) !== null || (unpackWithApt("libfaketime", folder) && findFaketime(folder) !== null)) {
  console.error(`libfaketime is in ${findFaketime(folder)}.`);
} else {
  console.error(ELSEWHERE);
  process.exitCode = 2;
}
