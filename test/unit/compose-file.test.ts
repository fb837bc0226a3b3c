import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../src/config/config-file.ts";

/* What must not change by accident in the container files; test/e2e/containers.test.ts runs them where it can. */

const ROOT = join(import.meta.dirname, "../..");
const COMPOSE = read("docker-compose.yml");

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** Lines without comments, as they stand. */
function contentOf(text: string): string[] {
  return text.split("\n").filter((line) => !/^\s*(#|$)/.test(line));
}

/** The block below `name:`, up to the next line that is indented no deeper; without its indentation. */
function section(text: string, name: string): string {
  const lines = contentOf(text);
  const start = lines.findIndex((line) => line.trimStart().replace(/ &\w+$/, "") === `${name}:`);
  if (start === -1) throw new Error(`docker-compose.yml has no ${name}`);
  const indentOf = (line: string): number => line.search(/\S/);
  const depth = indentOf(lines[start] ?? "");
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => indentOf(line) <= depth);
  const block = end === -1 ? rest : rest.slice(0, end);
  return block.map((line) => line.slice(indentOf(block[0] ?? ""))).join("\n");
}

function service(name: string): string {
  return section(section(COMPOSE, "services"), name);
}

/** `--hz 100`: the words of a command that stands in a list. */
function commandOf(block: string): string {
  return [...section(block, "command").matchAll(/^- (.*)$/gm)]
    .map(([, word = ""]) => word.replace(/^"(.+)"$/, "$1"))
    .join(" ");
}

describe("redis in docker-compose.yml", () => {
  const redis = service("redis");

  it.each(["--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction", "--hz 100", '--save ""'])(
    "is started with %s",
    (setting) => expect(`${commandOf(redis)} `).toContain(` ${setting} `),
  );

  it("is not published, keeps its data in a volume, and has a healthcheck that others wait for", () => {
    expect(redis).not.toMatch(/^(ports|network_mode):/m);
    expect(redis).toMatch(/^volumes: \["redis-data:\/data"\]$/m);
    expect(section(COMPOSE, "volumes")).toBe("redis-data:");
    expect(section(redis, "healthcheck")).toContain("redis-cli ping | grep -q PONG");
    expect(section(COMPOSE, "x-app")).toContain("depends_on: { redis: { condition: service_healthy } }");
  });
});

describe("the services of ours in docker-compose.yml", () => {
  const app = section(COMPOSE, "x-app");

  it.each(["worker", "monitor", "cli"])("%s takes everything from x-app and overrides none of it", (name) => {
    const keysOf = (block: string): string[] => [...block.matchAll(/^(\w+):/gm)].map(([, key = ""]) => key);
    expect(service(name)).toMatch(/^<<: \*app$/m);
    expect(keysOf(service(name)).filter((key) => keysOf(app).includes(key))).toEqual([]);
  });

  it.each([
    "read_only: true",
    "tmpfs: [/tmp]",
    "cap_drop: [ALL]",
    'security_opt: ["no-new-privileges:true"]',
    "init: true",
  ])("have %s", (line) => expect(app.split("\n")).toContain(line));

  it("get more time to stop than calls in flight do", () => {
    const seconds = Number(/^stop_grace_period: (\d+)s$/m.exec(app)?.[1]);
    expect(seconds).toBeGreaterThan(DEFAULT_CONFIG.worker.graceSeconds);
  });

  it("get every variable of .env.example that has a meaning there", () => {
    const ownMeaning = /^(REDIS_|PUPPET_ENGINE_DATA|MONITOR_)/;
    const known = [...read(".env.example").matchAll(/^# ([A-Z][A-Z0-9_]*)=/gm)].map(([, name = ""]) => name);
    const expected = known.filter((name) => !ownMeaning.test(name)).map((name) => `${name}: \${${name}:-}`);
    const actual = section(COMPOSE, "x-environment").split("\n");
    expect(actual.sort()).toEqual(["REDIS_URL: redis://redis:6379", ...expected].sort());
    for (const name of ["worker", "cli"]) expect(service(name)).toMatch(/^environment: \*environment$/m);
  });

  it("workers can be scaled: no name and no port of their own", () => {
    expect(service("worker")).not.toMatch(/^(container_name|ports):/m);
  });

  it("the monitor is published on the loopback address only, and needs a token", () => {
    expect(service("monitor")).toMatch(/^ports: \["127\.0\.0\.1:\$\{MONITOR_PORT:-3700\}:3700"\]$/m);
    expect(section(service("monitor"), "environment")).toMatch(/^MONITOR_TOKEN: \$\{MONITOR_TOKEN:\?.+\}$/m);
  });
});

describe("the image", () => {
  const dockerfile = contentOf(read("Dockerfile"));

  it("runs as a user by number, and node gets the signals", () => {
    expect(dockerfile.findLast((line) => line.startsWith("USER"))).toMatch(/^USER [1-9]\d*(:[1-9]\d*)?$/);
    expect(dockerfile.findLast((line) => line.startsWith("ENTRYPOINT"))).toMatch(/^ENTRYPOINT \["node", /);
    expect(dockerfile).toContain("STOPSIGNAL SIGTERM");
  });

  it("can be built without BuildKit", () => {
    expect(dockerfile.filter((line) => /--mount|--chmod|--link|--exclude|--parents|<<|^# ?syntax/.test(line))).toEqual(
      [],
    );
  });

  it("gets nothing but what .dockerignore allows", () => {
    const [first, ...allowed] = contentOf(read(".dockerignore"));
    expect(first).toBe("*");
    const copied = dockerfile
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(" ").slice(1, -1));
    expect(allowed.map((line) => line.replace(/^!/, "")).sort()).toEqual([...new Set(copied)].sort());
  });
});
