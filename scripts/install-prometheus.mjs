// Brings Prometheus and its promtool for the tests of /metrics, which are skipped without them:
// `node scripts/install-prometheus.mjs [FOLDER]`. On Debian and Ubuntu the package is unpacked into FOLDER (default
// .puppet-engine/prometheus) instead of installed, because installing it would set up a service; elsewhere it says how.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { succeeds, unpackWithApt } from "./apt.mjs";

const ELSEWHERE =
  "Install Prometheus with your package manager, e.g. brew install prometheus, or put prometheus and promtool of\n" +
  "https://prometheus.io/download into a folder of your PATH";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.argv[2] ?? join(root, ".puppet-engine", "prometheus");

/** @param {string} prefix of the programs: a folder, or nothing for those in PATH */
function works(prefix) {
  return ["prometheus", "promtool"].every((name) => succeeds(join(prefix, name), ["--version"]));
}

/** @returns {string | null} what came of it; `null`: it cannot be had */
function bringPrometheus() {
  const unpacked = join(folder, "usr", "bin");
  if (works("") || works(unpacked)) return "Prometheus is here already.";
  return unpackWithApt("prometheus", folder) && works(unpacked) ? `Prometheus is in ${unpacked}.` : null;
}

const done = bringPrometheus();
console.error(done ?? ELSEWHERE);
if (done === null) process.exitCode = 2;
