// What the installers of tools for tests share: running programs, and Debian's and Ubuntu's package manager.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

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

/**
 * Unpacks a package into a folder, without installing it: nothing of the machine changes.
 * @param {string} name of the package
 * @param {string} folder
 * @returns {boolean} false: it cannot be had
 */
export function unpackWithApt(name, folder) {
  if (!hasApt()) return false;
  mkdirSync(folder, { recursive: true });
  // It may be known from an earlier update, and may not be allowed.
  aptAsRoot(["update"]);
  if (!succeeds("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", name], { cwd: folder })) return false;
  const archive = readdirSync(folder).find((file) => file.startsWith(`${name}_`) && file.endsWith(".deb"));
  if (archive === undefined) return false;
  const isUnpacked = succeeds("dpkg-deb", ["--extract", archive, "."], { cwd: folder });
  rmSync(join(folder, archive));
  return isUnpacked;
}
