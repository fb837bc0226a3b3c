import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { ALL_FAULTS } from "../support/faults/fault-mode.ts";
import { startFaultSystem, type FaultSystem } from "../support/faults/fault-system.ts";
import { callsByJob, outcomesOf, reasonOf, resultsOf, rowsOf } from "../support/faults/read-system.ts";
import { startSelfSignedServer } from "../support/faults/tls-server.ts";
import { drip, hang } from "../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type Answer } from "../support/recorded-server.ts";
import { startLocalRedis, type LocalRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";

/* Rows 21, 22, 27 and 29: a provider that fails, hangs or cannot be reached. The tests of this file wait at the same time. */
const CONCURRENCY = 4;
const PATIENCE_MS = 180_000;
const STORM_MS = ALL_FAULTS ? 180_000 : 0;
vi.setConfig({ testTimeout: PATIENCE_MS + 2 * STORM_MS });

let redis: LocalRedis;
beforeAll(async () => void (redis = await startLocalRedis()));
afterAll(async () => await redis[Symbol.asyncDispose]());

const STORM = ["openai/500-server-error", "openai/503-overloaded", "anthropic/529-overloaded"].map((name) =>
  recordedAnswer(`${name}.json`),
);
const stormy: Answer = ({ index }) => STORM[index % STORM.length];

async function stateOf({ redis: connection, namespace }: FaultSystem): Promise<Readonly<Record<string, string>>> {
  const [key = ""] = await connection.keys(`{${namespace}}:limits:openai/*`);
  return await connection.hgetall(key);
}

it.concurrent(
  "fault 21: a storm of 500 and 529: the breaker opens, a job makes no more calls than attempts, everything drains afterwards",
  async () => {
    const [jobs, attempts, minCalls] = [ALL_FAULTS ? 1000 : 40, 3, 5];
    await using openai = await startRecordedServer(stormy);
    const settings = {
      ...{ breaker: { minCalls, openSeconds: ALL_FAULTS ? 5 : 0.3 } },
      retries: { attempts, baseSeconds: 0.05, capSeconds: 0.5 },
    };
    await using system = await startFaultSystem({ redisUrl: redis.url, openai, settings, concurrency: CONCURRENCY });
    await system.enqueue(jobs);
    const worker = await system.startWorker();
    await worker.waitForOutput(/circuit breaker open/, PATIENCE_MS);
    // It tries again and again, with one call each time.
    const opened = async (): Promise<number> => Number((await stateOf(system))["openedAt"] ?? 0);
    const first = await opened();
    await waitFor(async () => (await opened()) > first, { timeoutMs: PATIENCE_MS });
    const second = await opened();
    await waitFor(async () => (await opened()) > second && (await opened()) >= first + STORM_MS, {
      timeoutMs: PATIENCE_MS + STORM_MS,
    });
    const during = openai.calls.length;
    openai.answerWith(completionAnswer());
    await system.allEnded(PATIENCE_MS + STORM_MS);

    const openings = worker.stderr.match(/circuit breaker open/g)?.length ?? 0;
    expect(during, "once it is open, one call each time").toBeLessThanOrEqual(minCalls + CONCURRENCY + openings);
    for (const [job, calls] of Object.entries(callsByJob(openai.calls))) {
      expect(calls, job).toBeLessThanOrEqual(attempts);
    }
    const accounts = await system.reconcile();
    expect(accounts.broken).toEqual([]);
    const failed = (await resultsOf(system)).filter(({ status }) => status === "failed");
    for (const result of failed) expect(result.attempts, "nobody gives up before").toHaveLength(attempts);
    expect(accounts.ended["succeeded"]).toBe(jobs - failed.length);
    expect(failed.length).toBeLessThan(jobs / 2);
    expect((await stateOf(system))["breaker"], "it is closed").toBeUndefined();
  },
);

/** Of agents whose calls may take a second. */
const DEADLINE_MS = 1000;
/** A busy machine is late; without a deadline it would not end at all. */
const LATE_MS = ALL_FAULTS ? 1000 : 9000;
const HASTY = [false, true].map((stream) => ({
  ...{ id: stream ? "hasty-streamer" : "hasty", name: "Nori", llm_provider: "openai", variety: false },
  llm_config: { model: "gpt-6-luna", timeout: DEADLINE_MS / 1000, stream },
}));

/** An event every few milliseconds, none of them the last. */
const dripEvents: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const event = { choices: [{ index: 0, delta: { content: "a " }, finish_reason: null }] };
  const timer = setInterval(() => response.write(`data: ${JSON.stringify(event)}\n\n`), 20);
  response.on("close", () => clearInterval(timer));
};

/** Begins, and says nothing more. */
const standStill: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write("{");
};

it.concurrent(
  "fault 22: hangs, drips and answers that stand still are given up at the deadline or before, and asked for once more",
  async () => {
    const cases: Readonly<Record<string, { readonly answer: Answer; readonly agent: string }>> = {
      hang: { answer: hang, agent: "hasty" },
      drip: { answer: drip, agent: "hasty" },
      events: { answer: dripEvents, agent: "hasty-streamer" },
      // Its deadline is 30 s.
      still: { answer: standStill, agent: "nori" },
    };
    await using openai = await startRecordedServer(async (call, response) => {
      const answer = cases[/kettles for (\w+)-0/.exec(call.bodyText)?.[1] ?? ""]?.answer;
      return typeof answer === "function" ? await answer(call, response) : answer;
    });
    const settings = { idleSeconds: DEADLINE_MS / 1000, breaker: { minCalls: 10_000 } };
    await using system = await startFaultSystem({ redisUrl: redis.url, openai, settings, agents: HASTY });
    for (const [name, { agent }] of Object.entries(cases)) await system.enqueue(1, { name, agent });
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);

    expect(callsByJob(openai.calls)).toEqual(Object.fromEntries(Object.keys(cases).map((name) => [`${name}-0`, 2])));
    const rows = await rowsOf(system);
    expect(rows).toHaveLength(2 * Object.keys(cases).length);
    for (const { jobId, durationMs, ...row } of rows) {
      expect(row, jobId).toMatchObject({ outcome: "timeout", sent: "unknown", possiblyBilled: true, usage: null });
      expect(row.message, jobId).toMatch(jobId === "still-0" ? /stood still/ : /within 1000 ms/);
      expect(durationMs, jobId).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
      expect(durationMs, jobId).toBeLessThanOrEqual(DEADLINE_MS + LATE_MS);
    }
    await openai.idle();
    expect(new Set(openai.calls.map(({ state }) => state)), "nobody listens any more").toEqual(new Set(["broken"]));
    expect((await system.reconcile()).broken).toEqual([]);
  },
);

/** Under a name of the settings, with Grok in between where nobody else is. */
function endpoint(baseUrl: string): Readonly<Record<string, unknown>> {
  return { baseUrl, model: "own", local: true };
}

interface Member {
  readonly llm_provider: string;
  readonly model: string;
}

/** An agent that asks one after the other. */
function chainOf(id: string, [first, ...others]: readonly [Member, ...Member[]]): Readonly<Record<string, unknown>> {
  const config = others.reduceRight<Record<string, unknown> | null>(
    (next, { llm_provider, model }) => ({ fallback_provider: llm_provider, fallback_config: { model, ...next } }),
    null,
  );
  const { llm_provider, model } = first;
  return { id, name: "Nori", variety: false, llm_provider, llm_config: { model, ...config } };
}

const OPENAI: Member = { llm_provider: "openai", model: "gpt-6-luna" };
const GROK: Member = { llm_provider: "grok", model: "grok-4.3" };
const own = (name: string): Member => ({ llm_provider: name, model: "own" });

it.concurrent(
  "fault 27: a name that is not found is tried again, a certificate that is not valid is not; nothing was sent",
  async () => {
    const nowhere = { baseUrl: "https://api.nowhere.invalid/v1", calls: [] };
    await using tls = await startSelfSignedServer();
    await using lab = await startRecordedServer(completionAnswer({ text: "From the lab.", model: "own" }));
    const agents = [chainOf("lost", [OPENAI, GROK, own("lab")])];
    const settings = { endpoints: { lab: endpoint(lab.baseUrl) }, retries: { baseSeconds: 0.05, capSeconds: 0.2 } };
    const vendors = { openai: nowhere, grok: { baseUrl: tls.baseUrl, calls: [] }, others: [lab] };
    await using system = await startFaultSystem({ redisUrl: redis.url, ...vendors, agents, settings });
    await system.enqueue(1, { agent: "lost" });
    const worker = await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    const tried = tls.connections;
    await system.enqueue(1, { name: "next", agent: "lost" });
    await system.allEnded(PATIENCE_MS);

    const lost = Array.from({ length: 3 }, () => "openai network").join(", ");
    expect((await resultsOf(system)).map(outcomesOf)).toEqual([
      `${lost}, grok certificate, lab succeeded`,
      `${lost}, lab succeeded`,
    ]);
    expect({ tried, later: tls.connections, requests: tls.requests }).toEqual({ tried: 1, later: 1, requests: 0 });
    await worker.waitForOutput(/"outcome":"certificate".*"alert":true/);
    for (const row of (await rowsOf(system)).filter(({ outcome }) => outcome !== "succeeded")) {
      expect(row).toMatchObject({ sent: "no", possiblyBilled: false, costMicroUsd: 0 });
    }
    expect(await system.reconcile()).toMatchObject({ broken: [], calls: 2, ended: { succeeded: 2 } });
  },
);

it.concurrent(
  "fault 29: the whole chain down: no more calls than its attempts, nor than 12, and one record with every reason",
  async () => {
    const [jobs, attempts, mostCalls] = [4, 3, 12];
    await using openai = await startRecordedServer(recordedAnswer("openai/500-server-error.json"));
    await using grok = await startRecordedServer(recordedAnswer("grok/503-model-did-not-respond.json"));
    await using lab = await startRecordedServer(recordedAnswer("openai-compatible/503-ollama-server-busy.json"));
    const labs = ["lab-a", "lab-b", "lab-c"];
    const settings = {
      ...{ breaker: { minCalls: 10_000 }, retries: { attempts, baseSeconds: 0.05, capSeconds: 0.2 } },
      endpoints: Object.fromEntries(labs.map((name) => [name, endpoint(lab.baseUrl)])),
    };
    const agents = [chainOf("deep", [OPENAI, GROK, ...labs.map(own)])];
    await using system = await startFaultSystem({ redisUrl: redis.url, openai, grok, others: [lab], settings, agents });
    await system.enqueue(jobs, { name: "two", agent: "ada" });
    await system.enqueue(jobs, { name: "five", agent: "deep" });
    await system.startWorker();
    await system.allEnded(PATIENCE_MS);

    for (const [job, calls] of Object.entries(callsByJob([...openai.calls, ...grok.calls, ...lab.calls]))) {
      expect(calls, job).toBe(job.startsWith("two") ? 2 * attempts : mostCalls);
    }
    const ofTwo =
      /^openai\/gpt-6-luna: overloaded after 3 attempts \(HTTP 500: .+\); grok\/grok-4\.3: overloaded after 3 attempts \(HTTP 503: .+\)$/;
    for (const result of await resultsOf(system, "two")) expect(reasonOf(result)).toMatch(ofTwo);
    for (const result of await resultsOf(system, "five")) {
      for (const label of ["openai/gpt-6-luna", "grok/grok-4.3", ...labs.map((name) => `${name}/own`)]) {
        expect(reasonOf(result)).toContain(`${label}: `);
      }
    }
    expect(await system.reconcile()).toMatchObject({ broken: [], ended: { failed: 2 * jobs } });
  },
);
