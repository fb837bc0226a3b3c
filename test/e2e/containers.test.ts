import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandsOf } from "../support/doc-commands.ts";
import { documentAt } from "../support/documents.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait-for.ts";
import { freePort } from "../support/free-port.ts";

/* Builds the image and runs docker-compose.yml as docs/containers.md says: `npm run test:containers`, where a Docker engine answers. */

const ROOT = join(import.meta.dirname, "../..");
const MINUTE_MS = 60_000;
/** Some storage drivers copy the whole image for every layer. */
const BUILD_MS = 25 * MINUTE_MS;
const TEST_MS = 5 * MINUTE_MS;

/** How compose is called here, or why none of this can run. */
type Engine = { readonly compose: string } | { readonly missing: string };

function findEngine(): Engine {
  // Building images takes minutes, and packages from the registry: more than every test run should.
  if (process.env["TEST_CONTAINERS"] !== "1") return { missing: "npm run test:containers runs it" };
  if (!succeeds("docker", "version")) return { missing: "no Docker engine answers" };
  if (succeeds("docker", "compose", "version")) return { compose: "docker compose" };
  if (succeeds("docker-compose", "version")) return { compose: "docker-compose" };
  return { missing: "there is neither docker compose nor docker-compose" };
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore", timeout: 5_000 }).status === 0;
}

const engine = findEngine();

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A copy of what the image is built from, and the services that were started there. */
interface Deployment extends AsyncDisposable {
  readonly folder: string;
  /** Runs a command line as it stands in the document. `env`: wins over the deployment's own. */
  run(line: string, env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** As `run`, but it must end with 0. @returns its output, trimmed */
  output(line: string): Promise<string>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<{ status: number; body: string }>;
}

async function openDeployment(): Promise<Deployment> {
  if ("missing" in engine) throw new Error(engine.missing);
  const { compose } = engine;
  const folder = await makeTempFolder();
  const name = `puppet-engine-test-${randomBytes(3).toString("hex")}`;
  const port = await freePort();
  await copyBuildContext(folder);
  await mkdir(join(folder.path, "config"));
  await writeFile(
    join(folder.path, "config/puppet-engine.json"),
    // Slow enough that some calls are always in flight.
    JSON.stringify({ fake: { latencyMs: { min: 200, max: 600 } } }),
  );
  const settings = {
    ...{ COMPOSE_PROJECT_NAME: name, PUPPET_ENGINE_IMAGE: name, MONITOR_PORT: String(port) },
    ...{ PUPPET_ENGINE_CONFIG: "/config/puppet-engine.json", WORKER_CONCURRENCY: "2" },
  };
  const run: Deployment["run"] = async (line, env = {}) => {
    const command = line.replace(/^docker compose\b/, compose).replace(":3700", `:${port}`);
    return await runShell(command, folder, { ...engineVariables(), ...settings, ...env });
  };
  const output = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await run(line);
    if (code !== 0) throw new Error(`${line} ended with ${code}:\n${stdout}${stderr}`);
    return stdout.trim();
  };
  return {
    folder: folder.path,
    run,
    output,
    get: async (path, headers = {}) => await get(port, path, headers),
    async [Symbol.asyncDispose]() {
      // What a failed test left running of `cli` too, which `down` does not know.
      await run(`docker rm --force $(docker ps --all --quiet --filter label=com.docker.compose.project=${name})`);
      await run("docker compose --profile tools down --volumes --timeout 1", { MONITOR_TOKEN: "any" });
      await run(`docker image rm --force ${name}`);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Only what .dockerignore lets through: what the image needs and it leaves out is missing here too. */
async function copyBuildContext(folder: TempFolder): Promise<void> {
  const allowed = readFileSync(join(ROOT, ".dockerignore"), "utf8").matchAll(/^!(.+)$/gm);
  const paths = [...allowed].map(([, path = ""]) => path);
  for (const path of [...paths, ".dockerignore", "Dockerfile", "docker-compose.yml"]) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await cp(join(ROOT, path), join(folder.path, path), { recursive: true });
  }
}

/** What the docker command needs of the environment; no settings of ours among it. */
function engineVariables(): Record<string, string | undefined> {
  const isNeeded = (name: string): boolean => /^(PATH|HOME|XDG_|DOCKER_|COMPOSE_DOCKER_|BUILDKIT_)/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isNeeded(name)));
}

async function runShell(line: string, { path }: TempFolder, env: Record<string, string | undefined>) {
  const child = spawn("sh", ["-c", line], { cwd: path, env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: code as number | null, stdout, stderr };
}

async function get(port: number, path: string, headers: Readonly<Record<string, string>>) {
  return await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sent.on("error", reject).end();
  });
}

/** The command lines of docs/containers.md, block by block. */
function documentedCommands(): readonly (readonly string[])[] {
  return documentAt("docs/containers.md")
    .blocks.filter(({ marks }) => marks.some((mark) => mark.includes("containers.test.ts")))
    .map((block) => commandsOf(block).map((command) => command.text));
}

interface OutputRow {
  readonly id: string;
  readonly status: string;
  readonly attempts: readonly { readonly outcome: string }[];
}

const ROWS = 200;

/** A bulk run by `cli` over rows whose ids begin with `name`. */
async function startBulk({ folder, run }: Deployment, name: string) {
  const ids = Array.from({ length: ROWS }, (_, index) => `${name}-${index}`);
  await writeFile(join(folder, `data/${name}.csv`), `id,agent,topic\n${ids.map((id) => `${id},ada,fog\n`).join("")}`);
  const linesOf = async (file: string): Promise<string[]> =>
    (await readFile(join(folder, "data", file), "utf8")).split("\n").filter(Boolean);
  const user = '--user "$(id -u):$(id -g)"';
  const ended = run(`docker compose run --rm ${user} cli bulk /data/${name}.csv --out /data/${name}.jsonl --fake`);
  return {
    ids,
    ended,
    /** Waits until some rows are done and many are not. */
    async underWay() {
      const done = async (): Promise<boolean> => (await linesOf(`${name}.jsonl.part`).catch(() => [])).length > 20;
      await waitFor(done, { timeoutMs: MINUTE_MS, describe: `rows of ${name}` });
    },
    rows: async () => (await linesOf(`${name}.jsonl`)).map((line) => JSON.parse(line) as OutputRow),
  };
}

const reason = "missing" in engine ? ` (skipped: ${engine.missing})` : "";
if (reason !== "") console.log(`containers.test.ts${reason}`);

describe.skipIf(reason !== "")(`containers${reason}`, { timeout: TEST_MS }, () => {
  let site: Deployment;
  let opened: Deployment | undefined;
  let unconfigured: Finished;

  beforeAll(async () => {
    opened = site = await openDeployment();
    unconfigured = await site.run("docker compose up --detach");
    for (const command of documentedCommands()[0] ?? []) await site.output(command);
  }, BUILD_MS);

  afterAll(async () => await opened?.[Symbol.asyncDispose](), TEST_MS);

  /** Three live workers, whatever a test before has done to them. */
  async function startWorkers(): Promise<void> {
    await site.output("docker compose up --detach --scale worker=3");
    await waitForReadiness(200, 3);
  }

  async function waitForReadiness(status: number, workers: number): Promise<void> {
    let found = "";
    const isReached = async (): Promise<boolean> => {
      const answer = await site.get("/readyz").catch((error: unknown) => ({ status: 0, body: String(error) }));
      found = `${answer.status} ${answer.body}`;
      return answer.status === status && answer.body.includes(`"workers":${workers}}`);
    };
    await waitFor(isReached, { timeoutMs: MINUTE_MS, describe: () => `${workers} workers; /readyz says ${found}` });
  }

  async function containersOf(service: string): Promise<string[]> {
    return (await site.output(`docker compose ps -q ${service}`)).split("\n");
  }

  it("without MONITOR_TOKEN nothing starts, and compose says what to do", () => {
    expect(unconfigured.code).not.toBe(0);
    expect(unconfigured.stderr).toMatch(/MONITOR_TOKEN[^]*: the monitor needs one; put it into \.env/);
  });

  it("every command of docs/containers.md works", async () => {
    await startWorkers();
    for (const command of documentedCommands().slice(1).flat()) await site.output(command);
    const tweets = await readFile(join(site.folder, "data/tweets.jsonl"), "utf8");
    expect(tweets.trimEnd().split("\n")).toHaveLength(69);
  });

  it("the image has the production dependencies, examples and nothing else of the project", async () => {
    const list = async (path: string): Promise<string[]> =>
      (await site.output(`docker run --rm --entrypoint ls "$PUPPET_ENGINE_IMAGE" -A ${path}`)).split("\n").sort();
    const manifest = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as Record<string, object>;
    expect(await list("/app")).toEqual(["LICENSE", "dist", "examples", "node_modules", "package.json"]);
    const installed = await list("/app/node_modules");
    expect(installed).toContain("bullmq");
    // Some are dependencies of dependencies as well.
    const { packages } = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")) as {
      packages: Record<string, { dev?: boolean } | undefined>;
    };
    const isForTests = (name: string): boolean => packages[`node_modules/${name}`]?.dev === true;
    const unwanted = [...Object.keys(manifest["devDependencies"] ?? {}).filter(isForTests), "@typescript"];
    expect(unwanted.length).toBeGreaterThan(5);
    expect(installed.filter((name) => unwanted.includes(name))).toEqual([]);
  });

  it.each(["worker", "monitor"])("%s: not root, no capabilities, and only /tmp can be written", async (service) => {
    await startWorkers();
    const [container = ""] = await containersOf(service);
    const inside = async (script: string): Promise<string> => await site.output(`docker exec ${container} ${script}`);
    expect(await inside("id -u")).toBe("1000");
    expect(await inside("grep -E '^(CapEff|NoNewPrivs)' /proc/1/status")).toMatch(/^CapEff:\s0+\nNoNewPrivs:\s1$/);
    expect((await site.run(`docker exec ${container} touch /app/file`)).stderr).toContain("Read-only file system");
    await inside("touch /tmp/file");
  });

  it("the monitor: /readyz is open, /board asks for the token", async () => {
    await startWorkers();
    const { MONITOR_TOKEN } = parseEnv(await readFile(join(site.folder, ".env"), "utf8"));
    expect(await site.get("/board")).toMatchObject({ status: 401 });
    const board = await site.get("/board", { authorization: `Bearer ${MONITOR_TOKEN}` });
    expect(board).toMatchObject({ status: 200, body: expect.stringContaining("<html") as string });
  });

  it("a worker is killed in mid-work: each row has its one result", async () => {
    await startWorkers();
    const bulk = await startBulk(site, "killed");
    await bulk.underWay();
    const [victim = ""] = await containersOf("worker");
    await site.output(`docker kill --signal KILL ${victim}`);
    expect(await bulk.ended).toMatchObject({ code: 0 });
    const rows = await bulk.rows();
    expect(rows.map(({ id }) => id).sort()).toEqual(bulk.ids.toSorted());
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(["succeeded"]));
    // Without a call that died with it, this test would show nothing.
    expect(rows.some(({ attempts }) => attempts[0]?.outcome === "crashed")).toBe(true);
  });

  it("SIGTERM drains the workers: they end with 0, and no call is made twice", async () => {
    await startWorkers();
    const bulk = await startBulk(site, "drained");
    await bulk.underWay();
    const workers = await containersOf("worker");
    await site.output("docker compose stop worker");
    const exitCodes = await site.output(`docker inspect --format "{{.State.ExitCode}}" ${workers.join(" ")}`);
    expect(exitCodes.split("\n")).toEqual(["0", "0", "0"]);
    await waitForReadiness(503, 0);
    await startWorkers();
    expect(await bulk.ended).toMatchObject({ code: 0 });
    const rows = await bulk.rows();
    expect(rows.map(({ id }) => id).sort()).toEqual(bulk.ids.toSorted());
    expect(rows.filter(({ attempts }) => attempts.length !== 1)).toEqual([]);
  });
});
