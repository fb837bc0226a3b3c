import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findPrometheus } from "../../../scripts/prometheus.ts";
import { startProgram, type ProgramResult } from "../../support/run-cli.ts";
import { makeTempFolder, type TempFolder } from "../../support/temp-folder.ts";

const SCRIPT = join(import.meta.dirname, "../../../scripts/install-prometheus.mjs");
const WORKS = "exit 0";
/** Notes what it was asked for; a download is an empty package. */
const APT = 'echo "$*" >> "$0.calls"; case "$*" in *download*) : > prometheus_1_amd64.deb;; esac';
const DPKG = `/bin/mkdir -p usr/bin
for name in prometheus promtool; do echo "#!/bin/sh" > usr/bin/$name; /bin/chmod +x usr/bin/$name; done`;

/** Runs the script on a machine with nothing but these programs. */
async function install(machine: TempFolder, programs: Readonly<Record<string, string>>): Promise<ProgramResult> {
  const bin = join(machine.path, "bin");
  await mkdir(bin);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  await using program = startProgram([SCRIPT, join(machine.path, "unpacked")], { env: { PATH: bin } });
  return await program.ended;
}

it("Prometheus that is there already is used", async () => {
  await using machine = await makeTempFolder();
  const result = await install(machine, { prometheus: WORKS, promtool: WORKS });
  expect(result).toMatchObject({ code: 0, stderr: "Prometheus is here already.\n" });
  const bin = join(machine.path, "bin");
  expect(findPrometheus(bin)).toEqual({ prometheus: join(bin, "prometheus"), promtool: join(bin, "promtool") });
});

it("on Debian the package is unpacked and not installed: no service is set up", async () => {
  await using machine = await makeTempFolder();
  const unpacked = join(machine.path, "unpacked");
  const result = await install(machine, { "apt-get": APT, "dpkg-deb": DPKG });
  expect(result).toMatchObject({ code: 0, stderr: `Prometheus is in ${join(unpacked, "usr/bin")}.\n` });
  const calls = await readFile(join(machine.path, "bin", "apt-get.calls"), "utf8");
  expect(calls).toContain("download prometheus");
  expect(calls).not.toContain("install");
});

it.each([
  ["elsewhere", {}],
  ["where apt-get cannot download it", { "apt-get": `${APT}; case "$*" in *download*) exit 100;; esac` }],
  ["where the package cannot be unpacked", { "apt-get": APT, "dpkg-deb": "exit 2" }],
])("%s it says how to get it", async (_, programs) => {
  await using machine = await makeTempFolder();
  const { code, stderr } = await install(machine, programs);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^Install Prometheus with your package manager, e\.g\. brew install prometheus/);
  expect(stderr).toContain("https://prometheus.io/download");
});
