import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { controlKeys } from "../../src/admission/keys.ts";
import { readAlerts } from "../../src/alerts/alert-store.ts";
import { backoff, jitterOf } from "../../src/generation/backoff.ts";
import { FAULT_KEYS, startFaultSystem, type FaultSystemOptions } from "../support/faults/fault-system.ts";
import { callsByJob, outcomesOf, reasonOf, resultsOf, rowsOf } from "../support/faults/read-system.ts";
import { completionAnswer, recordedAnswer, type RecordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis, type LocalRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait-for.ts";

/* Rows 18, 19, 20 and 28: a provider that says no. The tests of this file wait at the same time. */
const CONCURRENCY = 4;
const PATIENCE_MS = 180_000;
vi.setConfig({ testTimeout: PATIENCE_MS });

let redis: LocalRedis;
beforeAll(async () => void (redis = await startLocalRedis()));
afterAll(async () => await redis[Symbol.asyncDispose]());

function systemOf(options: Omit<FaultSystemOptions, "redisUrl">): Parameters<typeof startFaultSystem>[0] {
  return { redisUrl: redis.url, concurrency: CONCURRENCY, ...options };
}

const GROKS_ANSWER = completionAnswer({ text: "From Grok.", model: "grok-4.3" });

/** OpenAI's answer, which names no time but the header's. */
function rateLimited(retryAfter: string): RecordedAnswer {
  const { response } = recordedAnswer("openai/429-slow-down-string.json");
  return { response: { ...response, headers: { ...response.headers, "retry-after": retryAfter } } };
}

interface Told {
  readonly header: string;
  /** Epoch ms. */
  readonly until: number;
}

const inSeconds = (now: number): Told => ({ header: "2", until: now + 2000 });
/** Whole seconds are all that a date can say. */
const asDate = (now: number): Told => {
  const until = Math.ceil((now + 1500) / 1000) * 1000;
  return { header: new Date(until).toUTCString(), until };
};

/** Refuses as many calls as can be under way together, all at one moment: whoever calls later could know. */
async function startRefusing(tell: (now: number) => Told): Promise<RecordedServer & { readonly told: () => Told }> {
  let told: Told | undefined;
  const answer: Answer = async ({ index }) => {
    if (index >= CONCURRENCY) return completionAnswer();
    await server.seen(CONCURRENCY);
    return rateLimited((told ??= tell(Date.now())).header);
  };
  const server = await startRecordedServer(answer);
  return { ...server, told: () => told ?? expect.fail("nobody was refused") };
}

const GUS = { id: "gus", name: "Gus", llm_provider: "grok", variety: false, llm_config: { model: "grok-4.3" } };

it.concurrent(
  "fault 18: 429 with Retry-After, in seconds or as a date: nobody calls earlier, and no attempt is spent",
  async () => {
    const jobs = 12;
    await using openai = await startRefusing(inSeconds);
    await using grok = await startRefusing(asDate);
    // One attempt only: whatever the wait spends would be the end of the job.
    const settings = { retries: { attempts: 1 } };
    await using system = await startFaultSystem(systemOf({ openai, grok, agents: [GUS], settings }));
    await system.startWorker();
    for (const [agent, server] of [
      ["nori", openai],
      ["gus", grok],
    ] as const) {
      await system.enqueue(jobs, { name: agent, agent });
      await system.allEnded(PATIENCE_MS);
      expect(server.calls).toHaveLength(jobs + CONCURRENCY);
      for (const { at } of server.calls.slice(CONCURRENCY)) expect(at).toBeGreaterThanOrEqual(server.told().until);
    }
    expect(await system.reconcile()).toMatchObject({ broken: [], ended: { succeeded: 2 * jobs } });
  },
);

it.concurrent(
  "fault 18: who waits holds no place in the worker, and no header is believed for longer than a day",
  async () => {
    await using openai = await startRecordedServer(rateLimited("3600"));
    await using grok = await startRecordedServer(GROKS_ANSWER);
    await using system = await startFaultSystem(systemOf({ openai, grok, agents: [GUS], concurrency: 1 }));
    await system.enqueue(1, { name: "waiting", agent: "ada" });
    await system.startWorker();
    await waitFor(async () => (await rowsOf(system)).length === 1, { timeoutMs: PATIENCE_MS });
    // An hour is longer than they may wait: they go to Grok without asking, through the worker's only place, and the lane's.
    const others = await system.enqueue(6, { name: "others", agent: "ada", urgency: "scheduled" });
    await waitFor(async () => (await system.ended()) === others.length, { timeoutMs: PATIENCE_MS });
    expect(await resultsOf(system, "waiting"), "it still waits").toEqual([]);
    expect(callsByJob(openai.calls)).toEqual({ "waiting-0": 1 });

    grok.answerWith(rateLimited("Fri, 31 Dec 9999 23:59:59 GMT"));
    await system.enqueue(1, { name: "absurd", agent: "gus", urgency: "scheduled" });
    await waitFor(async () => (await system.ended()) === others.length + 1, { timeoutMs: PATIENCE_MS });
    expect(await rowsOf(system, "absurd")).toMatchObject([{ outcome: "rate-limited", retryAfterMs: 24 * 3600_000 }]);
    expect(await resultsOf(system, "absurd")).toMatchObject([{ status: "expired" }]);

    await system.producer.cancel("waiting-0");
    await system.allEnded(PATIENCE_MS);
    const accounts = await system.reconcile();
    expect(accounts).toMatchObject({ broken: [], ended: { succeeded: others.length, cancelled: 1, expired: 1 } });
  },
);

it.concurrent("fault 19: 429 without a header: as many calls as attempts, each after a wait of its own", async () => {
  const [jobs, attempts] = [8, 3];
  const wait = { baseMs: 100, capMs: 1000 };
  await using openai = await startRecordedServer(recordedAnswer("openai/429-slow-down-string.json"));
  const settings = { retries: { attempts, baseSeconds: wait.baseMs / 1000, capSeconds: wait.capMs / 1000 } };
  await using system = await startFaultSystem(systemOf({ openai, settings }));
  const ids = await system.enqueue(jobs);
  await system.startWorker();
  await system.allEnded(PATIENCE_MS);

  expect(callsByJob(openai.calls)).toEqual(Object.fromEntries(ids.map((id) => [id, attempts])));
  for (const result of await resultsOf(system)) {
    expect(result.status).toBe("failed");
    expect(reasonOf(result)).toMatch(/^openai\/gpt-6-luna: rate-limited after 3 attempts \(HTTP 429: slow down\)$/);
  }
  const arrivals = new Map(openai.calls.map(({ headers, at }) => [headers["x-client-request-id"], at]));
  const waits = (await rowsOf(system)).flatMap(({ jobId, attempt, attemptId, startedAt, durationMs }) => {
    const nextAt = arrivals.get(`${jobId}.${attempt + 1}`);
    if (nextAt === undefined) return [];
    const waitMs = backoff(attempt, jitterOf(attemptId), wait);
    // Both ends of an attempt are rounded to whole milliseconds.
    expect(nextAt).toBeGreaterThanOrEqual(startedAt + durationMs + waitMs - 2);
    return [waitMs];
  });
  expect(waits).toHaveLength(jobs * (attempts - 1));
  expect(new Set(waits).size, "hardly any two wait equally long").toBeGreaterThan(jobs);
  expect(await system.reconcile()).toMatchObject({ broken: [], ended: { failed: jobs } });
});

it.concurrent(
  "fault 20: quota exhausted: one call of all, one fail-over each, the key is left alone, an alert",
  async () => {
    const jobs = 8;
    await using openai = await startRecordedServer(recordedAnswer("openai/429-insufficient-quota.json"));
    await using grok = await startRecordedServer(GROKS_ANSWER);
    // Of an account of which nothing is known yet the first call is alone.
    await using system = await startFaultSystem(systemOf({ openai, grok, settings: { limits: [] } }));
    await system.enqueue(jobs, { agent: "ada" });
    const worker = await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    await system.enqueue(2, { name: "next", agent: "ada" });
    await system.allEnded(PATIENCE_MS);

    expect([openai.calls.length, grok.calls.length]).toEqual([1, jobs + 2]);
    const [ofFirst, ...ofOthers] = (await resultsOf(system)).map(outcomesOf).sort().toReversed();
    expect(ofFirst).toBe("openai quota-exhausted, grok succeeded");
    expect(new Set(ofOthers)).toEqual(new Set(["grok succeeded"]));
    await worker.waitForOutput(/"alert":true.*provider paused until somebody acts/);
    // It is looked for every 15 s.
    const alerts = await waitFor(
      async () => {
        const report = await readAlerts(system.redis, system.namespace);
        return report.alerts.length > 0 && report.alerts;
      },
      { timeoutMs: PATIENCE_MS },
    );
    expect(alerts).toMatchObject([{ kind: "quota-exhausted", severity: "critical" }]);
    expect(await system.reconcile()).toMatchObject({ broken: [], ended: { succeeded: jobs + 2 } });
  },
);

it.concurrent(
  "fault 28: a key is revoked during the run: calls that are under way find out, then jobs fail over, or wait for another key",
  async () => {
    const jobs = 20;
    let answered = 0;
    await using openai = await startRecordedServer(({ headers }) =>
      headers["authorization"] === `Bearer ${FAULT_KEYS.openai}` && ++answered > jobs / 2
        ? recordedAnswer("openai/401-invalid-api-key.json")
        : completionAnswer(),
    );
    await using grok = await startRecordedServer(GROKS_ANSWER);
    await using system = await startFaultSystem(systemOf({ openai, grok }));
    await system.enqueue(jobs, { name: "over", agent: "ada" });
    const worker = await system.startWorker();
    await system.allEnded(PATIENCE_MS);
    const refused = openai.calls.length - jobs / 2;
    expect(refused).toBeGreaterThanOrEqual(1);
    expect(refused).toBeLessThanOrEqual(CONCURRENCY);

    const waiting = await system.enqueue(jobs, { name: "wait" });
    const keys = controlKeys(system.namespace);
    const toldToWait = async (): Promise<readonly string[]> => {
      const told = await Promise.all(waiting.map(async (id) => await system.redis.hexists(keys.job(id), "waitUntil")));
      return waiting.filter((_, index) => told[index] === 1);
    };
    await waitFor(async () => (await toldToWait()).length > 0, { timeoutMs: PATIENCE_MS });
    worker.signal("SIGTERM");
    await worker.ended;
    expect(openai.calls, "nobody calls any more").toHaveLength(jobs / 2 + refused);
    expect(await resultsOf(system, "wait")).toEqual([]);
    const late = await toldToWait();
    await system.startWorker({ env: { OPENAI_API_KEY: "sk-test-aaaaaaaaaaaaaaaa" } });
    await waitFor(async () => (await system.ended()) === 2 * jobs - late.length, { timeoutMs: PATIENCE_MS });
    // They come back when the pause of the old key is over, in five minutes.
    for (const id of late) await system.producer.cancel(id);
    await system.allEnded(PATIENCE_MS);
    const ended = { succeeded: 2 * jobs - late.length, cancelled: late.length };
    expect(await system.reconcile()).toMatchObject({ broken: [], ended, calls: 2 * jobs - late.length + refused });
  },
);
