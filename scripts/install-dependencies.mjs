import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError } from "./setup-error.mjs";

const NPM_ARGUMENTS = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
const POLL_MS = 200;
/** A lock file without a process id in it is only just being written, unless it is this old. */
const EMPTY_LOCK_MS = 10_000;

/**
 * Brings node_modules in step with package-lock.json. Costs a few milliseconds when it already is; two set-ups at once
 * install once.
 * @param {string} root the project's folder
 */
export async function ensureDependencies(root) {
  if (isInstalled(root)) return;
  const release = await lock(join(root, ".puppet-engine"));
  try {
    if (!isInstalled(root)) await install(root);
  } finally {
    release();
  }
}

/** @param {string} root */
async function install(root) {
  console.error("Installing the dependencies with npm ci; the first time this takes a minute …");
  /** @type {number | null} */
  const code = await new Promise((resolve, reject) => {
    const npm = spawn("npm", NPM_ARGUMENTS, {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
      // npm must not run on the Node in node_modules, which it is about to delete.
      env: { ...process.env, PATH: withoutFolder(process.env["PATH"] ?? "", join(root, "node_modules", ".bin")) },
    });
    npm.once("error", () => reject(new SetupError("npm was not found. It comes with Node: https://nodejs.org", 2)));
    npm.once("close", resolve);
  });
  if (code !== 0) {
    throw new SetupError(
      `npm ci failed with exit code ${code}; what it says is above. It needs the npm registry this once: check the ` +
        "network (npm ping) and any proxy, then run: npm run setup",
      1,
    );
  }
  writeFileSync(stampPath(root), lockFileHash(root));
}

/** @param {string} root */
function isInstalled(root) {
  try {
    return readFileSync(stampPath(root), "utf8") === lockFileHash(root);
  } catch {
    return false;
  }
}

/** @param {string} root */
function stampPath(root) {
  return join(root, "node_modules", ".puppet-engine-setup");
}

/** @param {string} root */
function lockFileHash(root) {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

/**
 * @param {string} path
 * @param {string} folder
 */
function withoutFolder(path, folder) {
  return path
    .split(delimiter)
    .filter((entry) => entry !== folder)
    .join(delimiter);
}

/**
 * Waits for other set-ups of this project, and takes over from one that died.
 * @param {string} folder
 * @returns {Promise<() => void>} releases it
 */
async function lock(folder) {
  const file = join(folder, "setup.lock");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let waiting = false; ; waiting = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    if (removeIfAbandoned(file)) continue;
    if (!waiting) console.error("Waiting for another set-up of this project to finish …");
    await sleep(POLL_MS);
  }
}

/** @param {string} file */
function removeIfAbandoned(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    const abandoned = pid > 0 ? !isAlive(pid) : Date.now() - statSync(file).mtimeMs > EMPTY_LOCK_MS;
    // Renamed first: of several that found it abandoned, one succeeds.
    if (abandoned) renameSync(file, `${file}.${process.pid}`);
    if (abandoned) rmSync(`${file}.${process.pid}`);
    return abandoned;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
