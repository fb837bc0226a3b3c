import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROVIDERS } from "../../../src/providers/registry.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { load, refusal, refusalOf } from "./load-with.ts";

describe("without any setting", () => {
  it("everything has a default", async () => {
    const config = await load();
    expect(config).toMatchObject({
      redis: null,
      namespace: "puppet",
      usesExampleAgents: true,
      logLevel: "info",
      logFormat: "json",
      concurrency: 64,
      notes: [],
    });
    expect(config.agentsDirectory).toMatch(/\/examples\/agents$/);
    expect(config.dataDirectory).toMatch(/\/puppet-engine-test-\w+\/\.puppet-engine$/);
    const { missingKeys, settings } = config.providers;
    expect(missingKeys.get("openai")).toEqual(["OPENAI_API_KEY", "OPENAI_API_KEYS"]);
    expect(missingKeys.get("grok")).toEqual(["GROK_API_KEY", "XAI_API_KEY", "GROK_API_KEYS"]);
    expect([...missingKeys.keys()]).toEqual(PROVIDERS.filter(({ needsKey }) => needsKey).map(({ id }) => id));
    expect(Object.keys(settings)).toEqual(["fake", "local"]);
  });

  it("logs are for people on a terminal", async () => {
    expect((await load({ isTerminal: true })).logFormat).toBe("pretty");
    expect((await load({ isTerminal: true, environment: { LOG_FORMAT: "json" } })).logFormat).toBe("json");
  });

  it("agents come from the folder `agents`, if there is one", async () => {
    await using folder = await makeTempFolder();
    const agentsDirectory = join(folder.path, "agents");
    await mkdir(agentsDirectory);
    const source = { environment: {}, directory: folder.path, isTerminal: false };
    expect(loadConfig(source)).toMatchObject({ agentsDirectory, usesExampleAgents: false });
  });
});

describe("a variable", () => {
  it("of the environment wins over `.env`, which wins over the default", async () => {
    const files = { ".env": "PUPPET_ENGINE_NAMESPACE=from-file\nWORKER_CONCURRENCY=7\n" };
    const environment = { PUPPET_ENGINE_NAMESPACE: "from-environment" };
    expect(await load({ files, environment })).toMatchObject({ namespace: "from-environment", concurrency: 7 });
  });

  it("that is empty counts as absent, and hides the line in `.env`", async () => {
    const files = { ".env": "WORKER_CONCURRENCY=7\nLOG_LEVEL=\n" };
    expect(await load({ files, environment: { WORKER_CONCURRENCY: " ", LOG_FORMAT: "" } })).toMatchObject({
      concurrency: 64,
      logLevel: "info",
      logFormat: "json",
    });
  });

  it("may have white space around it", async () => {
    const environment = { LOG_LEVEL: " debug ", WORKER_CONCURRENCY: "8\n", PUPPET_ENGINE_NAMESPACE: " a " };
    expect(await load({ environment })).toMatchObject({ logLevel: "debug", concurrency: 8, namespace: "a" });
  });

  it("is read from an `.env` with a byte order mark, CRLF, quotes and comments", async () => {
    const files = {
      ".env": '\uFEFFLOG_LEVEL="warn"\r\n# WORKER_CONCURRENCY=1\r\nexport WORKER_CONCURRENCY=9 # nine\r\n',
    };
    expect(await load({ files })).toMatchObject({ logLevel: "warn", concurrency: 9 });
  });

  it.each([
    ["DEBUG", "debug"],
    ["Silent", "silent"],
  ])("LOG_LEVEL may be %s", async (written, logLevel) => {
    expect(await load({ environment: { LOG_LEVEL: written } })).toMatchObject({ logLevel });
  });

  it("of a folder may be relative to where the program runs", async () => {
    const config = await load({ environment: { AGENTS_DIR: "my/agents", PUPPET_ENGINE_DATA: "/var/data" } });
    expect(config.agentsDirectory).toMatch(/\/puppet-engine-test-\w+\/my\/agents$/);
    expect(config).toMatchObject({ usesExampleAgents: false, dataDirectory: "/var/data" });
  });
});

const INTEGER = (max: number): string => `expected an integer 1–${max}`;

describe("a variable is refused", () => {
  it.each([
    ["WORKER_CONCURRENCY", "0", `got "0"; ${INTEGER(10_000)}`],
    ["WORKER_CONCURRENCY", "abc", `got "abc"; ${INTEGER(10_000)}`],
    ["WORKER_CONCURRENCY", "1.5", `got "1.5"; ${INTEGER(10_000)}`],
    ["WORKER_CONCURRENCY", "-1", `got "-1"; ${INTEGER(10_000)}`],
    ["WORKER_CONCURRENCY", "0x10", `got "0x10"; ${INTEGER(10_000)}`],
    ["WORKER_CONCURRENCY", "1e3", `got "1e3"; ${INTEGER(10_000)}`],
    ["WORKER_CONCURRENCY", "10001", `got "10001"; ${INTEGER(10_000)}`],
    ["MONITOR_PORT", "99999", `got "99999"; ${INTEGER(65_535)}`],
    ["LOG_LEVEL", "verbose", 'got "verbose"; expected one of fatal, error, warn, info, debug, trace, silent'],
    ["LOG_FORMAT", "xml", 'got "xml"; expected one of json, pretty'],
    ["PUPPET_ENGINE_NAMESPACE", "a:b", 'got "a:b"; expected 1–64 characters of A–Z a–z 0–9 _ -'],
    ["PUPPET_ENGINE_NAMESPACE", "{a}", 'got "{a}"; expected 1–64 characters of A–Z a–z 0–9 _ -'],
    [
      "PUPPET_ENGINE_CONFIG",
      "missing.json",
      'got "missing.json", which cannot be read; expected the path of a JSON file',
    ],
  ])("%s=%s", async (name, value, fault) => {
    expect(await refusalOf({ [name]: value })).toEqual([`environment ${name}: ${fault}`]);
  });

  it("MONITOR_VIEWER_TOKEN, when it would make viewers operators", async () => {
    const token = "the same for everybody";
    expect(await refusalOf({ MONITOR_TOKEN: token, MONITOR_VIEWER_TOKEN: token })).toEqual([
      "environment MONITOR_VIEWER_TOKEN: got the same as MONITOR_TOKEN; expected another secret, or none",
    ]);
  });

  it("a token that can be guessed, without showing it", async () => {
    expect(await refusalOf({ MONITOR_TOKEN: "hunter2", MONITOR_VIEWER_TOKEN: "guest" })).toEqual([
      "environment MONITOR_TOKEN: got a token of 7 characters, which can be guessed; expected at least 16: openssl rand -hex 24",
      "environment MONITOR_VIEWER_TOKEN: got a token of 5 characters, which can be guessed; expected at least 16: openssl rand -hex 24",
    ]);
  });

  it("when `.env` is a folder", async () => {
    await using folder = await makeTempFolder();
    await mkdir(join(folder.path, ".env"));
    expect(() => loadConfig({ environment: {}, directory: folder.path, isTerminal: false })).toThrow(
      ".env: got something that cannot be read; expected a file, or nothing",
    );
  });

  it("together with all others, from every source", async () => {
    const environment = {
      PUPPET_ENGINE_CONFIG: "c.json",
      WORKER_CONCURRENCY: "0",
      REDIS_URL: "localhost",
      OPENAI_API_KEY: "your_openai_api_key",
      OPENAI_MODEL: "gpt 6",
      GROK_API_ENDPOINT: "http://example.com",
    };
    const files = { "c.json": '{\n"pauseSeconds": 0,\n"retires": {}\n}', ".env": "LOG_LEVEL=loud\n" };
    const lines = await refusal({ environment, files });
    expect(lines.map((line) => line.slice(0, line.indexOf(": got")))).toEqual([
      "c.json:2 pauseSeconds",
      "c.json:3 retires",
      "environment REDIS_URL",
      "environment LOG_LEVEL",
      "environment WORKER_CONCURRENCY",
      "environment GROK_API_ENDPOINT",
      "environment OPENAI_MODEL",
      "environment OPENAI_API_KEY",
    ]);
  });
});

describe("REDIS_URL", () => {
  it.each([
    ["redis://localhost", { url: "redis://localhost" }],
    ["rediss://user:p%40ss@redis.example:6380/2", { url: "rediss://user:p%40ss@redis.example:6380/2" }],
    ["redis://:secret@[::1]:6379/0", { url: "redis://:secret@[::1]:6379/0" }],
    [" redis://localhost:6379/ ", { url: "redis://localhost:6379/" }],
    ["unix:///run/redis.sock", { path: "/run/redis.sock" }],
    ["redis+sentinel://a:26379,[::1]:2/mymaster", { url: "redis+sentinel://a:26379,[::1]:2/mymaster" }],
    ["rediss+sentinel://:p%40ss@a,b,c/my-master/3", { url: "rediss+sentinel://:p%40ss@a,b,c/my-master/3" }],
    ["redis+cluster://user:secret@a:7000,b:7001/0", { url: "redis+cluster://user:secret@a:7000,b:7001/0" }],
    ["rediss+cluster://a", { url: "rediss+cluster://a" }],
  ])("%s is fine", async (url, redis) => {
    expect(await load({ environment: { REDIS_URL: url } })).toMatchObject({ redis });
  });

  it("may stand in a file", async () => {
    const files = { url: "redis://:secret@redis.example\n" };
    expect(await load({ files, environment: { REDIS_URL_FILE: "url" } })).toMatchObject({
      redis: { url: "redis://:secret@redis.example" },
    });
  });

  it.each([
    ["localhost:6379", "something that does not start with redis://"],
    ["canary:canary@localhost", "something that does not start with redis://"],
    ["http://user:canary@localhost", "a URL that starts with http://"],
    ["redis://user:canary@localhost:99999", "a URL whose host or port cannot be read"],
    ["redis://user:canary@", "a URL whose host or port cannot be read"],
    ["redis://user:canary@a b", "a URL whose host or port cannot be read"],
    ["redis:///0", "a URL whose host or port cannot be read"],
    ["redis://:can%ary@localhost", "a user or password with a % that is no escape (write %25 for %)"],
    ["redis://us%er:canary@localhost", "a user or password with a % that is no escape (write %25 for %)"],
    ["redis://user:canary@localhost/puppet", "a database that is no number"],
    ["redis+sentinel://canary:canary@a,b", "sentinels without the name of their master"],
    ["redis+sentinel://:canary@a,b/mymaster/one", "a database that is no number"],
    ["redis+sentinel://:canary@a,,b/mymaster", "a URL in which a host or port cannot be read"],
    ["redis+sentinel://:canary@a:0/mymaster", "a URL in which a host or port cannot be read"],
    ["redis+cluster://:canary@a:70000", "a URL in which a host or port cannot be read"],
    ["redis+cluster://:can%ary@a", "a user or password with a % that is no escape (write %25 for %)"],
    ["redis+cluster://:canary@a,b/1", "a database; a cluster has 0 alone"],
    ["redis+cluster:canary", "a URL whose hosts cannot be read"],
    ["redis+other://canary", "a URL of another protocol"],
    ["unix://run/canary.sock", "a socket without an absolute path"],
    ["unix://", "a socket without an absolute path"],
  ])("%s is refused without being shown", async (url, got) => {
    const lines = await refusalOf({ REDIS_URL: url });
    expect(lines).toEqual([
      `environment REDIS_URL: got ${got}; expected redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT/DB, redis+sentinel://HOST:PORT,HOST:PORT/MASTER, redis+cluster://HOST:PORT,HOST:PORT or unix:///PATH`,
    ]);
    expect(lines.join()).not.toContain("canary");
  });
});
