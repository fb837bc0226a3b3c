import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 25;
const HEARTBEAT_MS = 1_000;
/** A lock without a heartbeat for this long is abandoned, even if its process id is in use: ids come round again. */
const ABANDONED_AFTER_MS = 30_000;

/** Another process held the lock for the whole of `waitMs`. */
export class FileLockError extends Error {
  override readonly name = "FileLockError";
}

/**
 * Runs `action` while no other process of this machine is inside the same lock. A lock left behind by a dead process is
 * taken over. Throws `FileLockError` when it is not free within `waitMs` (default 60,000).
 *
 * The lock is a file that only one process can create. It holds the process id, and its modification time is renewed
 * every second.
 */
export async function withFileLock<T>(path: string, action: () => Promise<T>, waitMs = 60_000): Promise<T> {
  const deadline = performance.now() + waitMs;
  while (!(await tryCreate(path))) {
    if (await isAbandoned(path)) await removeAbandoned(path);
    else if (performance.now() < deadline) await sleep(POLL_MS);
    else throw new FileLockError(`${path} was held for ${waitMs / 1000} s by process ${await holderOf(path)}`);
  }
  const heartbeat = setInterval(() => void touch(path), HEARTBEAT_MS).unref();
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

async function tryCreate(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (isErrorWithCode(error, "EEXIST")) return false;
    throw error;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    // Empty for a moment between its creation and the writing of the process id.
    const pid = Number(await readFile(path, "utf8"));
    return ageMs > ABANDONED_AFTER_MS || (pid > 0 && !isProcessAlive(pid));
  } catch (error) {
    if (isErrorWithCode(error, "ENOENT")) return false;
    throw error;
  }
}

/**
 * Two processes can find the same lock abandoned. If both simply removed it, the slower one would remove the lock that
 * the faster one has created meanwhile. So only the process that creates the takeover file may remove, after a second look.
 */
async function removeAbandoned(path: string): Promise<void> {
  const takeover = `${path}.takeover`;
  if (!(await tryCreate(takeover))) {
    if (await isAbandoned(takeover)) await rm(takeover, { force: true });
    else await sleep(POLL_MS);
    return;
  }
  try {
    if (await isAbandoned(path)) await rm(path, { force: true });
  } finally {
    await rm(takeover, { force: true });
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  // Fails when the lock was released while the timer fired, which is harmless.
  await utimes(path, now, now).catch(() => undefined);
}

async function holderOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "(unknown)");
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isErrorWithCode(error, "ESRCH");
  }
}

function isErrorWithCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
