import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ensureRedis } from "../../../scripts/install-redis.mjs";
import { makeTempFolder } from "../../support/temp-folder.ts";

describe("nothing is installed", () => {
  it("when a server is there", async () => {
    await using machine = await makeMachine({ "valkey-server": "exit 0", "apt-get": "exit 9" });
    await machine.ensureRedis();
    expect(machine.said).toEqual([]);
  });

  it("when a server is in one of the usual folders outside PATH", async () => {
    await using machine = await makeMachine({ "apt-get": "exit 9" });
    await machine.addProgram("elsewhere", "redis-server", "exit 0");
    await machine.ensureRedis({ serverFolders: [join(machine.path, "elsewhere")] });
  });

  it("when REDIS_URL names one", async () => {
    await using machine = await makeMachine({});
    await machine.ensureRedis({ redisUrl: "redis://127.0.0.1:6379" });
  });

  it("when .env sets REDIS_URL", async () => {
    await using machine = await makeMachine({});
    for (const line of ["export REDIS_URL = redis://127.0.0.1:6379", "REDIS_URL_FILE=/run/secrets/redis_url"]) {
      await writeFile(join(machine.path, ".env"), `OTHER=1\n${line}\n`);
      await machine.ensureRedis();
    }
    await writeFile(join(machine.path, ".env"), "# REDIS_URL=redis://127.0.0.1:6379\nREDIS_URL=\nOTHER=1\n");
    await machine.failure();
  });
});

describe("Debian and Ubuntu", () => {
  it("install as root, without starting a service", async () => {
    await using machine = await makeMachine({ "apt-get": APT });
    await machine.ensureRedis();
    expect(await machine.calls()).toEqual([
      "apt-get -qq update RUNLEVEL=1 SYSTEMD_OFFLINE=1 noninteractive",
      "apt-get -qq install -y --no-install-recommends redis-server RUNLEVEL=1 SYSTEMD_OFFLINE=1 noninteractive",
    ]);
  });

  it("install with sudo when it asks for no password", async () => {
    await using machine = await makeMachine({
      "apt-get": APT,
      sudo: '[ "$1" = -n ] && shift; [ "$1" = true ] || exec "$@"',
    });
    await machine.ensureRedis({ isRoot: false });
    expect(machine.said).toEqual(["Installing Redis: sudo apt-get install redis-server …"]);
    expect(await machine.calls()).toHaveLength(2);
  });

  it("fall back to Valkey", async () => {
    const apt = `case "$*" in *redis-server) exit 100;; esac; ${APT}`;
    await using machine = await makeMachine({ "apt-get": apt });
    await machine.ensureRedis();
    expect((await machine.calls()).at(-1)).toContain("valkey-server");
  });

  it("install although the update of one source failed", async () => {
    await using machine = await makeMachine({ "apt-get": `case "$*" in *update) exit 100;; esac; ${APT}` });
    await machine.ensureRedis();
  });

  it("show what apt-get says when it fails, and the one command to run", async () => {
    await using machine = await makeMachine({ "apt-get": "echo 'E: Unable to locate package' >&2; exit 100" });
    const message = await machine.failure();
    expect(message).toContain("E: Unable to locate package");
    expect(message).toContain("failed with exit code 100");
    expect(message).toContain("sudo apt-get install -y redis-server");
  });

  it("print the one command to run when sudo wants a password", async () => {
    await using machine = await makeMachine({ "apt-get": APT, sudo: "exit 1" });
    expect(await machine.failure({ isRoot: false })).toBe(
      "Redis is needed, but neither redis-server nor valkey-server was found. Install it with\n\n" +
        "  sudo apt-get install -y redis-server\n\n" +
        "or set REDIS_URL to one that is running, e.g. REDIS_URL=redis://127.0.0.1:6379",
    );
  });
});

describe("other systems", () => {
  it("macOS installs with Homebrew", async () => {
    await using machine = await makeMachine({
      brew: 'printf "#!/bin/sh\\n" > "$BIN/redis-server"; /bin/chmod +x "$BIN/redis-server"',
    });
    await machine.ensureRedis({ platform: "darwin" });
    expect(machine.said).toEqual(["Installing Redis: brew install redis …"]);
  });

  it.each([
    ["dnf", "sudo dnf install -y valkey"],
    ["apk", "sudo apk add redis"],
    ["pacman", "sudo pacman -S --noconfirm valkey"],
    ["zypper", "sudo zypper install -y redis"],
  ])("with %s print the one command to run", async (manager, command) => {
    await using machine = await makeMachine({ [manager]: "exit 9" });
    expect(await machine.failure()).toContain(`Install it with\n\n  ${command}\n`);
  });

  it("without any known package manager name what to install", async () => {
    await using machine = await makeMachine({});
    expect(await machine.failure()).toContain("Install redis-server or valkey-server with your package manager");
  });
});

/** Writes down its call and what it was told about services, and installs what it is asked for. */
const APT = `
echo "apt-get $* RUNLEVEL=$RUNLEVEL SYSTEMD_OFFLINE=$SYSTEMD_OFFLINE $DEBIAN_FRONTEND" >> "$BIN/calls"
for last in "$@"; do :; done
case "$*" in *install*) printf '#!/bin/sh\\n' > "$BIN/$last"; /bin/chmod +x "$BIN/$last";; esac`;

interface Situation {
  readonly isRoot?: boolean;
  readonly platform?: string;
  readonly redisUrl?: string;
  readonly serverFolders?: readonly string[];
}

/** A machine that has only the given programs (name → shell script). */
async function makeMachine(programs: Readonly<Record<string, string>>) {
  const folder = await makeTempFolder();
  const bin = join(folder.path, "bin");
  const addProgram = async (into: string, name: string, script: string) => {
    await mkdir(join(folder.path, into), { recursive: true });
    await writeFile(join(folder.path, into, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder.path, into, name), 0o755);
  };
  for (const [name, script] of Object.entries(programs)) await addProgram("bin", name, script);
  await addProgram("bin", "env", 'exec /usr/bin/env "$@"');
  const said: string[] = [];
  const ensure = ({ isRoot = true, platform = "linux", redisUrl = "", serverFolders = [] }: Situation = {}) => {
    const env = { PATH: bin, BIN: bin, REDIS_URL: redisUrl };
    return ensureRedis(folder.path, { env, platform, isRoot, serverFolders, say: (line) => said.push(line) });
  };
  return {
    ...folder,
    addProgram,
    said,
    ensureRedis: ensure,
    failure: async (situation?: Situation) => {
      const failure: unknown = await ensure(situation).catch((error: unknown) => error);
      expect(failure).toMatchObject({ exitCode: 2 });
      return failure instanceof Error ? failure.message : "";
    },
    calls: async () => (await readFile(join(bin, "calls"), "utf8")).trim().split("\n"),
  };
}
