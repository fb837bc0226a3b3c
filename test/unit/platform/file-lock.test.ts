import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { FileLockError, withFileLock } from "../../../src/platform/file-lock.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

const LOCK_MODULE = join(import.meta.dirname, "../../../src/platform/file-lock.ts");

describe("withFileLock", () => {
  it("gives back the result and leaves no file behind, also after a failure", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "lock");
    expect(await withFileLock(path, async () => "result")).toBe("result");
    await expect(withFileLock(path, () => Promise.reject(new Error("failed inside")))).rejects.toThrow("failed inside");
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("lets one caller in at a time", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "lock");
    const inside = await runTogether(8, (visit) => withFileLock(path, visit));
    expect(inside).toEqual({ most: 1, visits: 8 });
  });

  it("lets one process in at a time", async () => {
    await using folder = await makeTempFolder();
    const counter = join(folder.path, "counter");
    await writeFile(counter, "0");
    await Promise.all([1, 2, 3].map(() => runInProcess(COUNT_UP, [join(folder.path, "lock"), counter])));
    expect(await readFile(counter, "utf8")).toBe("60");
  });

  it("takes over the lock of a dead process, and still lets one caller in at a time", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "lock");
    await writeFile(path, String(await idOfDeadProcess()));
    const inside = await runTogether(8, (visit) => withFileLock(path, visit));
    expect(inside).toEqual({ most: 1, visits: 8 });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("takes over a lock without a heartbeat, even if its process id is in use again", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "lock");
    await writeFile(path, String(process.pid));
    const aMinuteAgo = new Date(Date.now() - 60_000);
    await utimes(path, aMinuteAgo, aMinuteAgo);
    expect(await withFileLock(path, async () => "inside")).toBe("inside");
  });

  it("says who holds a lock that does not become free", async () => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, "lock");
    const failure = await withFileLock(path, () => withFileLock(path, async () => "inside", 100)).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(FileLockError);
    expect(String(failure)).toContain(`${path} was held for 0.1 s by process ${process.pid}`);
  });
});

/** Counts in a file without care: two processes at once would lose counts. */
const COUNT_UP = `
  const [lock, counter] = process.argv.slice(1);
  const { withFileLock } = await import(${JSON.stringify(LOCK_MODULE)});
  const { readFile, writeFile } = await import("node:fs/promises");
  for (let i = 0; i < 20; i++) {
    await withFileLock(lock, async () => writeFile(counter, String(Number(await readFile(counter, "utf8")) + 1)));
  }
`;

async function runInProcess(source: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source, ...args], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
}

async function idOfDeadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["--eval", ""], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}

async function runTogether(callers: number, enter: (visit: () => Promise<void>) => Promise<void>) {
  let inside = 0;
  let most = 0;
  let visits = 0;
  const visit = async () => {
    visits++;
    most = Math.max(most, ++inside);
    await nextTurn();
    inside--;
  };
  await Promise.all(Array.from({ length: callers }, () => enter(visit)));
  return { most, visits };
}
