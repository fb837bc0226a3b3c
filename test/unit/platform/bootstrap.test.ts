import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { explainUnsupportedMachine } from "../../../scripts/setup-error.mjs";
import { startProgram, type ProgramOptions, type RunningProgram } from "../../support/run-cli.ts";
import { makeTempFolder, type TempFolder } from "../../support/temp-folder.ts";

const SCRIPTS = join(import.meta.dirname, "../../../scripts");

describe("the machine", () => {
  it.each(["20.0.0", "22.19.0", "24.21.0"])("may have Node %s", (version) => {
    expect(explainUnsupportedMachine(version, "linux")).toBeNull();
  });

  it("with an older Node is told which one is needed and where to get it", () => {
    const message = explainUnsupportedMachine("18.19.1", "linux");
    expect(message).toContain("Node 20 or newer is needed");
    expect(message).toContain("this is Node 18.19.1");
    expect(message).toContain("https://nodejs.org");
  });

  it("with Windows is told about WSL", () => {
    expect(explainUnsupportedMachine("24.0.0", "win32")).toContain("please use WSL");
  });
});

describe("the dependencies", () => {
  it("are installed once, and again when the lock file has changed", async () => {
    await using project = await makeProject();
    expect(await project.bootstrap([]).ended).toMatchObject({ code: 0, stdout: "" });
    expect((await project.bootstrap([]).ended).stderr).toBe("Everything is set up. Next: npm run demo\n");
    expect(await project.npmCalls()).toEqual(["ci --include=dev --no-audit --no-fund --loglevel=error"]);
    await writeFile(join(project.path, "package-lock.json"), "changed");
    await project.bootstrap([]).ended;
    expect(await project.npmCalls()).toHaveLength(2);
  });

  it("are installed once by two set-ups at the same time", async () => {
    await using project = await makeProject();
    const results = await Promise.all([project.bootstrap([]).ended, project.bootstrap([]).ended]);
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect(await project.npmCalls()).toHaveLength(1);
  });

  it("are installed although an earlier set-up died", async () => {
    await using project = await makeProject();
    const dead = spawn(process.execPath, ["--eval", ""], { stdio: "ignore" });
    await once(dead, "exit");
    await mkdir(join(project.path, ".puppet-engine"));
    await writeFile(join(project.path, ".puppet-engine/setup.lock"), String(dead.pid));
    expect(await project.bootstrap([]).ended).toMatchObject({ code: 0 });
  });

  it("that npm cannot install show npm's own message and what to do, and are tried again", async () => {
    await using project = await makeProject();
    await project.fake("npm", "echo 'npm error code ENOTFOUND' >&2; exit 7");
    for (const attempt of [1, 2]) {
      const { code, stderr } = await project.bootstrap([]).ended;
      expect(code, `attempt ${attempt}`).toBe(1);
      expect(stderr).toContain("npm error code ENOTFOUND");
      expect(stderr).toContain("npm ci failed with exit code 7");
      expect(stderr).toContain("run: npm run setup");
    }
  });

  it("do not make npm run on the Node that it is about to delete", async () => {
    await using project = await makeProject();
    const bin = join(project.path, "node_modules/.bin");
    await project.fake("npm", 'echo "$PATH" > "$PWD/path"; exit 1');
    await project.bootstrap([], { env: { PATH: [bin, project.bin, dirname(process.execPath)].join(delimiter) } }).ended;
    expect((await readFile(join(project.path, "path"), "utf8")).trim().split(delimiter)).not.toContain(bin);
  });
});

describe("the command", () => {
  it("runs with the project's Node, its arguments, its input and its exit code", async () => {
    await using project = await makeProject();
    await writeFile(
      join(project.path, "program.ts"),
      `process.stdin.toArray().then((input: unknown[]) => {
        console.log(JSON.stringify([process.argv.slice(2), String(input)]), process.env.PATH?.split(":")[0]);
        process.exitCode = 5;
      });`,
    );
    const program = project.bootstrap(["program.ts", "--flag", "two words"], { input: "typed" });
    expect(await program.ended).toMatchObject({
      code: 5,
      stdout: `[["--flag","two words"],"typed"] ${project.path}/node_modules/.bin\n`,
    });
  });

  it("may be a program of node_modules/.bin", async () => {
    await using project = await makeProject();
    await project.fake(
      "npm",
      `${FAKE_NPM}; printf '#!/bin/sh\\necho tool $*' > node_modules/.bin/tool; chmod +x node_modules/.bin/tool`,
    );
    expect(await project.bootstrap(["tool", "run"]).ended).toMatchObject({ code: 0, stdout: "tool run\n" });
  });

  it("that does not exist is named", async () => {
    await using project = await makeProject();
    const { code, stderr } = await project.bootstrap(["vitset"]).ended;
    expect(code).toBe(2);
    expect(stderr).toContain("There is no program vitset in node_modules/.bin.");
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("receives %s and decides how to end", async (signal) => {
    await using project = await makeProject();
    await writeFile(
      join(project.path, "program.ts"),
      `process.once("${signal}", () => { console.log("draining"); process.exit(9); });
      setInterval(() => {}, 1000);
      console.log("ready");`,
    );
    await using program = project.bootstrap(["program.ts"]);
    await program.waitForOutput(/ready/);
    program.signal(signal);
    expect(await program.ended).toMatchObject({ code: 9, stdout: "ready\ndraining\n" });
  });

  it("that a signal ends is reported as the shell does", async () => {
    await using project = await makeProject();
    await writeFile(join(project.path, "program.ts"), `process.kill(process.pid, "SIGKILL");`);
    expect(await project.bootstrap(["program.ts"]).ended).toMatchObject({ code: 137 });
  });
});

/** Leaves what `npm ci` leaves: a node_modules with the project's Node. */
const FAKE_NPM = `rm -rf node_modules; mkdir -p node_modules/.bin; ln -s "${process.execPath}" node_modules/.bin/node`;

interface TestProject extends TempFolder {
  /** The only folder in PATH, beside the system's own. */
  readonly bin: string;
  /** Puts a shell script in place of a program. */
  fake(name: string, script: string): Promise<void>;
  bootstrap(args: readonly string[], options?: ProgramOptions): RunningProgram;
  npmCalls(): Promise<string[]>;
}

/** A project with our scripts, and with an npm that writes down how it is called. */
async function makeProject(): Promise<TestProject> {
  const folder = await makeTempFolder();
  const bin = join(folder.path, "bin");
  const calls = join(folder.path, "npm-calls");
  await mkdir(bin);
  await cp(SCRIPTS, join(folder.path, "scripts"), { recursive: true });
  await writeFile(join(folder.path, "package-lock.json"), "first");
  const fake = async (name: string, script: string) => {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  };
  await fake("npm", `echo "$*" >> "${calls}"; ${FAKE_NPM}`);
  await fake("redis-server", "exit 0");
  return {
    ...folder,
    bin,
    fake,
    bootstrap: (args, options = {}) =>
      startProgram([join(folder.path, "scripts/bootstrap.mjs"), ...args], {
        cwd: folder.path,
        ...options,
        env: { PATH: [bin, "/usr/bin", "/bin"].join(delimiter), ...options.env },
      }),
    npmCalls: async () => (await readFile(calls, "utf8")).trim().split("\n"),
  };
}
