// Installs Chromium for scripts/take-pictures.ts and the tests of the monitor in a browser, which are skipped without it:
// `node scripts/install-chromium.mjs`. On Debian and Ubuntu, as root or with password-less sudo; elsewhere it says how.
import { aptAsRoot, hasApt, succeeds } from "./apt.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ELSEWHERE = "Install Chromium or Google Chrome with your package manager, e.g. brew install --cask chromium";

function installWithApt() {
  if (!hasApt()) return false;
  // May fail for one source of many; what matters is whether the installation then works.
  aptAsRoot(["update"]);
  return aptAsRoot(["install", "-y", "--no-install-recommends", "chromium"], "inherit");
}

if (NAMES.some((name) => succeeds(name, ["--version"]))) {
  console.error("A browser is installed already.");
} else if (!installWithApt()) {
  console.error(ELSEWHERE);
  process.exitCode = 2;
}
