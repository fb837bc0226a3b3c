/** A reason why the set-up cannot go on, in words for the person at the terminal. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {number} exitCode 1: something failed and may work later; 2: the person has to do something first.
   */
  constructor(message, exitCode) {
    super(message);
    this.name = "SetupError";
    this.exitCode = exitCode;
  }
}

const OLDEST_NODE = 20;

/**
 * @param {string} nodeVersion such as `18.19.1`
 * @param {string} platform
 * @returns {string | null} `null` when this machine will do
 */
export function explainUnsupportedMachine(nodeVersion, platform) {
  if (platform === "win32")
    return "Redis does not run on Windows itself: please use WSL (https://learn.microsoft.com/windows/wsl).";
  if (Number.parseInt(nodeVersion, 10) >= OLDEST_NODE) return null;
  return (
    `Node ${OLDEST_NODE} or newer is needed for the set-up, which then brings its own Node 24; this is Node ${nodeVersion}.\n` +
    "Get a newer one from https://nodejs.org and try again."
  );
}
