// Installs Chromium for scripts/take-pictures.ts and the tests of the monitor in a browser, which are skipped without it:
// `node scripts/install-chromium.mjs`. On Debian and Ubuntu, as root or with password-less sudo; elsewhere it says how.
import { spawnSync } from "node:child_process";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ELSEWHERE = "Install Chromium or Google Chrome with your package manager, e.g. brew install --cask chromium";

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {"ignore" | "inherit"} output
 */
function succeeds(program, args, output = "ignore") {
  return spawnSync(program, args, { stdio: ["ignore", output, output] }).status === 0;
}

function installWithApt() {
  const isRoot = process.getuid?.() === 0;
  if (!succeeds("apt-get", ["--version"]) || !(isRoot || succeeds("sudo", ["-n", "true"]))) return false;
  const program = isRoot ? "env" : "sudo";
  const prefix = [...(isRoot ? [] : ["-n", "env"]), "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
  // May fail for one source of many; what matters is whether the installation then works.
  succeeds(program, [...prefix, "update"]);
  return succeeds(program, [...prefix, "install", "-y", "--no-install-recommends", "chromium"], "inherit");
}

if (NAMES.some((name) => succeeds(name, ["--version"]))) {
  console.error("A browser is installed already.");
} else if (!installWithApt()) {
  console.error(ELSEWHERE);
  process.exitCode = 2;
}
