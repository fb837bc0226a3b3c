// What the installers of tools for tests share: running programs, and Debian's and Ubuntu's package manager.
import { spawnSync } from "node:child_process";

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ output?: "ignore" | "inherit", cwd?: string }} options
 * @returns {boolean} false also when there is no such program
 */
export function succeeds(program, args, { output = "ignore", cwd } = {}) {
  return spawnSync(program, args, { stdio: ["ignore", output, output], cwd }).status === 0;
}

export function hasApt() {
  return succeeds("apt-get", ["--version"]);
}

/**
 * `apt-get ARGS` as root, or with password-less sudo.
 * @param {readonly string[]} args
 * @param {"ignore" | "inherit"} output
 * @returns {boolean} false: it failed, or we may not
 */
export function aptAsRoot(args, output = "ignore") {
  const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", ...args];
  if (process.getuid?.() === 0) return succeeds("env", command.slice(1), { output });
  return succeeds("sudo", ["-n", ...command], { output });
}
