import { spawn } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";
import { SetupError } from "./setup-error.mjs";

/** Where packages put the server, for a PATH that lacks these folders. The same list as in src/platform/redis-server.ts. */
export const REDIS_SERVER_FOLDERS = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/local/opt/redis/bin"];

const LAST_LINES = 15;

/** By package manager; the first one found is meant. */
const INSTALL_COMMANDS = {
  "apt-get": "sudo apt-get install -y redis-server",
  dnf: "sudo dnf install -y valkey",
  apk: "sudo apk add redis",
  pacman: "sudo pacman -S --noconfirm valkey",
  zypper: "sudo zypper install -y redis",
  brew: "brew install redis",
};

/**
 * @typedef {object} Machine
 * @property {NodeJS.ProcessEnv} env
 * @property {string} platform
 * @property {boolean} isRoot
 * @property {readonly string[]} serverFolders where to look beside PATH
 * @property {(line: string) => void} say
 */

/** @returns {Machine} */
function thisMachine() {
  const { env, platform } = process;
  const isRoot = process.getuid?.() === 0;
  return { env, platform, isRoot, serverFolders: REDIS_SERVER_FOLDERS, say: (line) => console.error(line) };
}

/**
 * Makes sure that there is a Redis to work with: REDIS_URL, an installed server, or one that it installs and says so.
 * @param {string} root the project's folder
 * @param {Machine} machine
 */
export async function ensureRedis(root, machine = thisMachine()) {
  if (
    machine.env["REDIS_URL"] ||
    machine.env["REDIS_URL_FILE"] ||
    setsRedisUrl(join(root, ".env")) ||
    hasServer(machine)
  )
    return;
  const installed = machine.platform === "darwin" ? await installWithHomebrew(machine) : await installWithApt(machine);
  if (!installed || !hasServer(machine)) throw new SetupError(explainMissingRedis(machine), 2);
}

/** @param {Machine} machine */
async function installWithHomebrew(machine) {
  if (find("brew", machine) === null) return false;
  machine.say("Installing Redis: brew install redis …");
  await run(["brew", "install", "--quiet", "redis"], machine);
  return true;
}

/** @param {Machine} machine */
async function installWithApt(machine) {
  if (find("apt-get", machine) === null) return false;
  const isSudo = !machine.isRoot;
  if (isSudo && (find("sudo", machine) === null || (await tryRun(["sudo", "-n", "true"], machine)).code !== 0))
    return false;
  // Debian starts a packaged service at once; the last two keep SysV init and systemd from doing so.
  const apt = [
    ...(isSudo ? ["sudo", "-n"] : []),
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "RUNLEVEL=1",
    "SYSTEMD_OFFLINE=1",
    "apt-get",
    "-qq",
  ];
  const install = [...apt, "install", "-y", "--no-install-recommends"];
  const portWasTaken = await isListening(6379);
  machine.say(`Installing Redis: ${isSudo ? "sudo " : ""}apt-get install redis-server …`);
  // May fail for one source of many; what matters is whether the installation then works.
  await tryRun([...apt, "update"], machine);
  const { code } = await tryRun([...install, "redis-server"], machine);
  if (code !== 0) await run([...install, "valkey-server"], machine);
  if (!portWasTaken && (await isListening(6379))) {
    machine.say("The package has also started a Redis service on port 6379; Puppet Engine does not use it.");
  }
  return true;
}

/** @param {Machine} machine */
function explainMissingRedis(machine) {
  const [, command] = Object.entries(INSTALL_COMMANDS).find(([manager]) => find(manager, machine) !== null) ?? [];
  const advice =
    command === undefined
      ? "Install redis-server or valkey-server with your package manager"
      : `Install it with\n\n  ${command}\n`;
  return (
    `Redis is needed, but neither redis-server nor valkey-server was found. ${advice}\n` +
    "or set REDIS_URL to one that is running, e.g. REDIS_URL=redis://127.0.0.1:6379"
  );
}

/** @param {string} envFile */
function setsRedisUrl(envFile) {
  try {
    return /^\s*(export +)?REDIS_URL(_FILE)? *= *\S/m.test(readFileSync(envFile, "utf8"));
  } catch {
    return false;
  }
}

/** @param {Machine} machine */
function hasServer(machine) {
  return (
    find("redis-server", machine, machine.serverFolders) !== null ||
    find("valkey-server", machine, machine.serverFolders) !== null
  );
}

/**
 * @param {string} program
 * @param {Machine} machine
 * @param {readonly string[]} moreFolders
 * @returns {string | null}
 */
function find(program, { env }, moreFolders = []) {
  const folders = [...(env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""), ...moreFolders];
  return folders.map((folder) => join(folder, program)).find(isExecutable) ?? null;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {readonly string[]} command
 * @param {Machine} machine
 */
async function run(command, machine) {
  const { code, output } = await tryRun(command, machine);
  if (code === 0) return;
  const lastLines = output.trimEnd().split("\n").slice(-LAST_LINES).join("\n");
  throw new SetupError(
    `${lastLines}\n\n${command.join(" ")}\nfailed with exit code ${code}. ${explainMissingRedis(machine)}`,
    2,
  );
}

/**
 * @param {readonly string[]} command
 * @param {Machine} machine
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function tryRun([program = "", ...args], { env }) {
  return new Promise((resolve, reject) => {
    let output = "";
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
