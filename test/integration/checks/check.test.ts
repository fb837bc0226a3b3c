import { describe, expect, it } from "vitest";
import { heartbeat } from "../../../src/admission/sweeper.ts";
import { startLocalRedis } from "../../support/redis-server.ts";
import { connectTestRedis } from "../../support/redis.ts";
import { check, GOOD_AGENT, HEALTHY, openCheckSession } from "./check-command.ts";

describe("puppet-engine check", () => {
  it("finds nothing wrong where nothing is, and says what it looked at", async () => {
    await using server = await startLocalRedis();
    await using session = await openCheckSession({ REDIS_URL: server.url });
    await using redis = await connectTestRedis({}, server.url);
    await heartbeat({ redis, namespace: session.namespace, workerId: "worker-1" });
    const { code, stdout } = await session.run("check");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /ada: openai\/gpt-6-luna \(temperature 0\.7, top_p 0\.9, max_tokens 280, timeout 30 s\); prompt from the personality/,
    );
    expect(stdout).toContain("openai: a key is set");
    expect(stdout).toContain("keeps what it is given: noeviction, append-only file on");
    expect(stdout).toContain("1 worker(s) live");
    expect(stdout).toMatch(/\n0 wrong, 0 doubtful, \d+ fine\n$/);
  });

  it("warns where nobody works and Redis' clock is coarse, and still ends with 0", async () => {
    await using server = await startLocalRedis(["--hz", "10"]);
    await using session = await openCheckSession({ REDIS_URL: server.url });
    const { code, of } = await check(session);
    expect(code).toBe(0);
    expect(of("error")).toEqual([]);
    expect(of("warning")).toEqual([
      {
        ...{ level: "warning", area: "Redis" },
        ...{ text: "hz is 10: delayed jobs start up to 100 ms late", fix: "set hz 100" },
      },
      {
        ...{ level: "warning", area: "Redis", text: `no worker lives in namespace ${session.namespace}` },
        fix: "start one: puppet-engine worker",
      },
    ]);
  });

  it("names missing keys, the variables that would give them, and the agents that need them", async () => {
    await using session = await openCheckSession({ OPENAI_API_KEY: "", GROK_API_KEY: "" });
    await session.write("agents/nori.json", {
      ...{ id: "nori", name: "Nori", llm_provider: "fake" },
      llm_config: { fallback_provider: "openai" },
    });
    const { code, of } = await check(session);
    expect(code).toBe(2);
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "keys", text: "openai: no key" },
        fix: "set OPENAI_API_KEY or OPENAI_API_KEYS (or OPENAI_API_KEY_FILE); ada, nori need it",
      },
    ]);
    expect(of("ok").map(({ text }) => text)).toContain("grok: no key, and no agent needs one");
  });

  it("names several keys by what limit groups and usage rows call them, and by their place", async () => {
    await using session = await openCheckSession({ OPENAI_API_KEY: "canary-1", OPENAI_API_KEYS: "canary-2" });
    const { findings, of } = await check(session);
    expect(of("ok").map(({ text }) => text)).toContain(
      "openai: 2 keys are set: openai#8cdb95b8 (OPENAI_API_KEY); openai#827d4a55 (OPENAI_API_KEYS, key 1)",
    );
    expect(JSON.stringify(findings)).not.toContain("canary");
  });

  it("names every fault of every agent file, and does not pretend to know which keys are needed", async () => {
    await using session = await openCheckSession({ GROK_API_KEY: "" });
    await session.write("agents/bad.json", { id: "bad", name: "Bad", llm_provider: "opneai", temprature: 1 });
    await session.write("agents/worse.json", '{\n  "id": "worse"\n');
    const { code, of } = await check(session);
    expect(code).toBe(2);
    const texts = of("error").map(({ area, text }) => `${area} ${text}`);
    expect(texts).toHaveLength(3);
    expect(texts[0]).toMatch(/^agents .*bad\.json:1 llm_provider: got "opneai"; expected .*did you mean "openai"\?$/);
    expect(texts[1]).toMatch(/^agents .*bad\.json:1 temprature: got an unknown field; expected one of id, name, /);
    expect(texts[2]).toMatch(/^agents .*worse\.json:3: got the end of the file; expected a closing "}"$/);
    expect(of("warning")).toContainEqual({
      ...{ level: "warning", area: "keys", fix: "correct the agents, then check again" },
      text: "grok: no key; whether an agent needs one is not known, because none could be read",
    });
  });

  it("reports the policy, the append-only file, a missing key and a Redis that is a replica at once, each with its fix", async () => {
    await using server = await startLocalRedis(["--maxmemory-policy", "allkeys-lru", "--appendonly", "no"]);
    await using session = await openCheckSession({ REDIS_URL: server.url, OPENAI_API_KEY: "" });
    await using redis = await connectTestRedis({}, server.url);
    await redis.replicaof("127.0.0.1", 1);
    const { code, stdout } = await session.run("check");
    expect(code).toBe(2);
    for (const line of [
      "ERROR  openai: no key",
      "fix: set OPENAI_API_KEY or OPENAI_API_KEYS (or OPENAI_API_KEY_FILE); ada need it",
      "ERROR  Redis may drop jobs when its memory is full: maxmemory-policy is allkeys-lru",
      "fix: set it to noeviction",
      "ERROR  Redis forgets accepted jobs when it crashes: its append-only file is off",
      "fix: set appendonly yes",
      "ERROR  Redis refuses to write: READONLY You can't write against a read only replica",
      "fix: it is a replica: point REDIS_URL to the primary",
      "4 wrong, 1 doubtful, ",
    ])
      expect(stdout).toContain(line);
    expect(stdout).not.toContain("keeps what it is given");
  });

  it("says that Redis is full", async () => {
    await using server = await startLocalRedis();
    await using session = await openCheckSession({ REDIS_URL: server.url });
    await using redis = await connectTestRedis({}, server.url);
    // Even an empty Redis has about 1 MB.
    await redis.config("SET", "maxmemory", "1");
    const { code, of } = await check(session);
    expect(code).toBe(2);
    expect(of("error")).toEqual([
      {
        ...{ level: "error", area: "Redis", text: expect.stringMatching(/^Redis refuses to write: OOM /) as string },
        fix: "raise its maxmemory, or keep results and usage rows for a shorter time (retention)",
      },
    ]);
  });

  it("says that Redis is down, with everything else that it could look at", async () => {
    await using session = await openCheckSession({ REDIS_URL: "redis://:hunter2@127.0.0.1:1" });
    const { code, of, findings } = await check(session);
    expect(code).toBe(2);
    expect(of("error").map(({ text }) => text)).toEqual([
      "Redis at redis://***@127.0.0.1:1 is not available: no connection. Start it, or correct REDIS_URL.",
    ]);
    expect(findings.map(({ area }) => area)).toEqual(expect.arrayContaining(["configuration", "agents", "keys"]));
  });

  it("says that Redis refuses the password, and does not show it", async () => {
    await using server = await startLocalRedis();
    await using redis = await connectTestRedis({}, server.url);
    await redis.config("SET", "requirepass", "right-password");
    await using session = await openCheckSession({ REDIS_URL: server.url.replace("//", "//:hunter2@") });
    const { code, stdout, stderr } = await session.run("check");
    expect(code).toBe(2);
    expect(stdout).toContain("it refuses the user or password in REDIS_URL");
    expect(`${stdout}${stderr}`).not.toContain("hunter2");
  });

  it.each(["redis://:hunter2@exa mple:6379", "redis://:hunter2@", "hunter2", "http://:hunter2@127.0.0.1"])(
    "says that REDIS_URL is malformed, and does not show it: %s",
    async (url) => {
      await using session = await openCheckSession({ REDIS_URL: url });
      const { code, stdout, stderr } = await session.run("check");
      expect(code).toBe(2);
      expect(stdout).toMatch(/ERROR {2}environment REDIS_URL: got .*; expected redis:\/\//);
      expect(`${stdout}${stderr}`).not.toContain("hunter2");
    },
  );

  it("reports every fault of the configuration at once", async () => {
    await using session = await openCheckSession({
      ...{ REDIS_URL: "http://127.0.0.1", MONITOR_PORT: "99999", WORKER_CONCURRENCY: "0" },
      ...{ OPENAI_API_KEY: "your_openai_api_key", LOG_LEVEL: "loud" },
    });
    const { code, of } = await check(session);
    expect(code).toBe(2);
    const names = of("error").map(({ text }) => /^environment (\w+): got .*; expected /.exec(text)?.[1] ?? text);
    expect(names.sort()).toEqual(["LOG_LEVEL", "MONITOR_PORT", "OPENAI_API_KEY", "REDIS_URL", "WORKER_CONCURRENCY"]);
  });

  it("starts a Redis of its own where there is no REDIS_URL, and stops it", async () => {
    await using session = await openCheckSession({ REDIS_URL: "" });
    const { code, of } = await check(session);
    expect(code).toBe(0);
    expect(of("ok").map(({ text }) => text)).toContain(`our own, in ${session.folder}/.puppet-engine`);
  });

  it("shows notes on agent files and on the configuration as warnings", async () => {
    await using session = await openCheckSession({ OPENAI_API_KEY: ` ${HEALTHY.OPENAI_API_KEY} ` });
    await session.write("agents/ada.json", { ...GOOD_AGENT, behavior: {} });
    const { code, of } = await check(session);
    expect(code).toBe(0);
    const texts = of("warning").map(({ area, text }) => `${area}: ${text}`);
    expect(texts).toContain("configuration: OPENAI_API_KEY: white space around the key was removed");
    expect(texts).toContainEqual(expect.stringMatching(/^agents: .*ada\.json:1 behavior: ignored/));
  });
});
