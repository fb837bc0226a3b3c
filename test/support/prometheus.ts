import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findPrometheus, type PrometheusPrograms } from "../../scripts/prometheus.ts";
import { freePort } from "./free-port.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

const DEPLOY = join(import.meta.dirname, "../../deploy");

/** `null`: there are none on this machine. */
export const PROMETHEUS = findPrometheus(process.env["PATH"] ?? "");

/** For the titles of tests that are skipped without it. */
export const WITHOUT_PROMETHEUS = PROMETHEUS === null ? " (skipped: no Prometheus; npm run setup:prometheus)" : "";

/** Of a test that is skipped without it. */
function installedPrometheus(): PrometheusPrograms {
  if (PROMETHEUS === null) throw new Error("no Prometheus: run npm run setup:prometheus");
  return PROMETHEUS;
}

/** Runs promtool in `deploy/`. @returns its exit code and all that it printed */
export function promtool(
  args: readonly string[],
  { input = "", cwd = DEPLOY } = {},
): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(installedPrometheus().promtool, args, { cwd, input, encoding: "utf8" });
  return { code: status, output: `${stdout}${stderr}` };
}

/** The files of `deploy/` in a folder of their own, for a monitor that is somewhere else. */
export interface PrometheusFolder extends AsyncDisposable {
  readonly path: string;
}

/** @param target where the monitor is, e.g. `127.0.0.1:3700` */
export async function openPrometheusFolder({ target = "127.0.0.1:3700", token = "" } = {}): Promise<PrometheusFolder> {
  const folder = await makeTempFolder();
  const config = await readFile(join(DEPLOY, "prometheus.yml"), "utf8");
  const quick = config.replace("127.0.0.1:3700", target).replaceAll("15s", "1s");
  await writeFile(join(folder.path, "prometheus.yml"), quick);
  await writeFile(join(folder.path, "puppet-engine.token"), `${token}\n`);
  await cp(join(DEPLOY, "alert-rules.yml"), join(folder.path, "alert-rules.yml"));
  return folder;
}

/** Prometheus while it runs. */
export interface RunningPrometheus extends AsyncDisposable {
  /** What its HTTP API answers, whatever that is. */
  api(path: string): Promise<unknown>;
}

/** Runs Prometheus with the files of a folder, on a loopback port. */
export async function startPrometheus({ path }: PrometheusFolder): Promise<RunningPrometheus> {
  const address = `127.0.0.1:${await freePort()}`;
  const data = join(path, "data");
  await mkdir(data);
  const args = ["--config.file=prometheus.yml", `--storage.tsdb.path=${data}`, `--web.listen-address=${address}`];
  const child = spawn(installedPrometheus().prometheus, args, { cwd: path, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, "close");
  const url = `http://${address}`;
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/-/ready`).catch(() => null))?.status === 200;
  await waitFor(async () => child.exitCode !== null || (await isReady()), { describe: () => `Prometheus\n${log}` });
  if (child.exitCode !== null) throw new Error(`Prometheus ended with exit code ${child.exitCode}\n${log}`);
  return {
    api: async (apiPath) => await (await fetch(`${url}/api/v1/${apiPath}`)).json(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
