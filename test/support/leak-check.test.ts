import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startProgram, type ProgramResult } from "./run-cli.ts";
import { makeTempFolder } from "./temp-folder.ts";

const ROOT = join(import.meta.dirname, "../..");

it("a file that leaves a timer, a connection, a server or a child process behind fails and is told so", async () => {
  const { code, stdout, stderr } = await runTestFile(`
    import { spawn } from "node:child_process";
    import { once } from "node:events";
    import { connect, createServer } from "node:net";
    import { it } from "vitest";
    it("leaks", async () => {
      setInterval(() => {}, 1000);
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      await once(connect(server.address()), "connect");
      console.log("child", spawn("sleep", ["60"], { stdio: "ignore" }).pid);
    });
  `);
  expect(stderr).toContain("This file leaves behind: ");
  for (const leak of ["1 x Timeout", "TCPSocketWrap", "1 x TCPServerWrap", "1 x ProcessWrap"]) {
    expect(stderr).toContain(leak);
  }
  expect(code).toBe(1);
  const child = Number(/child (\d+)/.exec(stdout)?.[1]);
  expect(isRunning(child)).toBe(false);
});

it("a file that cleans up passes", async () => {
  const { code, stderr } = await runTestFile(`
    import { it } from "vitest";
    it("cleans up", async () => {
      clearInterval(setInterval(() => {}, 1000));
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
  `);
  expect(stderr).toBe("");
  expect(code).toBe(0);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A run of Vitest of its own, with nothing but the leak check. */
async function runTestFile(source: string): Promise<ProgramResult> {
  await using folder = await makeTempFolder();
  const setupFiles = [join(ROOT, "test/support/leak-check.ts")];
  await Promise.all([
    symlink(join(ROOT, "node_modules"), join(folder.path, "node_modules")),
    writeFile(join(folder.path, "file.test.js"), source),
    writeFile(
      join(folder.path, "vitest.config.mjs"),
      `export default { test: { pool: "forks", setupFiles: ${JSON.stringify(setupFiles)} } };`,
    ),
  ]);
  await using program = startProgram([join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--root", folder.path]);
  return await program.ended;
}
