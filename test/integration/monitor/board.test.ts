import { appRoutes } from "@bull-board/api/dist/routes.js";
import { describe, expect, it } from "vitest";
import { ADA, NORI, startSystem } from "../../support/generation-system.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { testNamespace } from "../../support/redis.ts";
import { waitFor } from "../../support/wait-for.ts";
import { boardPath, boardQueues, openMonitor, type BoardJob } from "./open-monitor.ts";

const ADAS_LANE = "openai~gpt-6-luna>grok~grok-4.3";
const NORIS_LANE = "openai~gpt-6-luna";

const SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(1)>";

describe("Bull Board", () => {
  it("lists every lane with its counts, and one that appears later without a restart", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    for (const id of ["a1", "a2"]) await system.producer.enqueue({ id, kind: "tweet", agent: "ada" });
    await system.producer.enqueue({ id: "n1", kind: "tweet", agent: "nori" });
    await system.producer.enqueue({ id: "n2", kind: "reply", agent: "nori", mention: "Why copper pans?" });

    const before = await boardQueues(monitor);
    expect(Object.keys(before).sort()).toEqual([NORIS_LANE, ADAS_LANE, "quarantine"]);
    expect(before[ADAS_LANE]).toMatchObject({
      displayName: "openai/gpt-6-luna > grok/grok-4.3",
      description: ADAS_LANE,
      counts: { prioritized: 2, waiting: 0, completed: 0 },
      // Would cost a CLIENT LIST per lane and poll.
      hasWorkers: null,
    });
    expect(before[NORIS_LANE]?.counts).toMatchObject({ prioritized: 1, waiting: 1 });
    expect(before["quarantine"]).toMatchObject({ displayName: "quarantine", counts: { waiting: 0, active: 0 } });

    const late = { ...NORI, id: "late", llm_config: { model: "ft:gpt-6-luna:acme/x@1" } };
    const { lane } = await system.producerOf([late]).enqueue({ id: "l1", kind: "tweet", agent: "late" });
    expect((await boardQueues(monitor))[lane]).toMatchObject({
      displayName: "openai/ft:gpt-6-luna:acme/x@1",
      counts: { prioritized: 1 },
    });

    await system.startWorker();
    for (const id of ["a1", "a2", "n1", "n2", "l1"]) await system.resultOf(id);
    const completed = async (): Promise<(number | undefined)[]> => {
      const queues = await boardQueues(monitor);
      return [ADAS_LANE, NORIS_LANE, lane].map((name) => queues[name]?.counts["completed"]);
    };
    await waitFor(async () => (await completed()).join() === "2,2,1", { describe: "all jobs are completed" });
    expect((await monitor.send(`/board/queue/${encodeURIComponent(lane)}/j_l1`)).status).toBe(200);
    expect(await monitor.json(boardPath(lane, "l1"))).toMatchObject({ status: "completed" });
  });

  it("shows a job's data and result, whatever the length of its id and lane", async () => {
    const agent = { ...ADA, llm_config: { ...ADA.llm_config, model: "m".repeat(128) } };
    await using openai = await startRecordedServer(completionAnswer({ text: "Looms came first." }));
    await using system = await startSystem({ openai, agents: [agent] });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    const id = "x".repeat(128);
    const { lane } = await system.producer.enqueue({ id, kind: "tweet", agent: "ada", context: { topic: "looms" } });
    await system.resultOf(id);
    await system.queued(lane, id, "completed");
    const { job, status } = await monitor.json<{ job: BoardJob; status: string }>(boardPath(lane, id));
    expect(status).toBe("completed");
    expect(job).toMatchObject({
      id: `j_${id}`,
      name: "ada: tweet",
      data: { id, agentId: "ada", input: { kind: "tweet", context: { topic: "looms" } } },
      returnValue: { status: "succeeded", text: "Looms came first.", provider: "openai", model: "m".repeat(128) },
    });
    expect(await monitor.json(`${boardPath(lane, id)}/logs`)).toEqual([]);
  });

  it("shows a lane as rate-limited only when it is", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const lane = system.lane(NORIS_LANE);
    const limitedForMs = async (): Promise<number | undefined> =>
      (await boardQueues(monitor))[NORIS_LANE]?.activeRateLimitTtl;
    // What a worker's limiter, which is never reached, leaves there whenever the lane has work.
    await system.redis.set(lane.toKey("limiter"), 3, "PX", 60_000);
    expect(await lane.getRateLimitTtl(), "BullMQ's own answer").toBeGreaterThan(0);
    expect(await limitedForMs()).toBe(0);
    await lane.setGlobalRateLimit(2, 60_000);
    expect(await limitedForMs()).toBeGreaterThan(0);
    await lane.removeGlobalRateLimit();
    await lane.rateLimit(60_000);
    expect(await limitedForMs()).toBeGreaterThan(0);
  });

  it("shows why a job failed", async () => {
    await using openai = await startRecordedServer({ response: { status: 400, headers: {}, body: {} } });
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    const result = await system.run({ id: "a", kind: "tweet", agent: "nori" });
    await system.queued(NORIS_LANE, "a", "failed");
    const { job } = await monitor.json<{ job: BoardJob }>(boardPath(NORIS_LANE, "a"));
    expect(job.failedReason).toBe(result.status === "failed" ? result.reason : "");
    expect(job.failedReason).toContain("openai");
  });

  it("delivers what jobs hold as JSON, never as HTML", async () => {
    await using openai = await startRecordedServer(completionAnswer({ text: SCRIPT }));
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    await system.run({ id: "a", kind: "tweet", agent: "nori", context: { topic: SCRIPT } });
    await system.lane(NORIS_LANE).add(SCRIPT, { agentId: SCRIPT, input: { kind: SCRIPT } });
    await system.queued(NORIS_LANE, "a", "completed");
    const query = `?activeQueue=${encodeURIComponent(NORIS_LANE)}`;
    for (const path of [`/board/api/queues${query}`, boardPath(NORIS_LANE, "a")]) {
      const answer = await monitor.send(path);
      expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
      expect(JSON.stringify(JSON.parse(answer.text))).toContain(JSON.stringify(SCRIPT).slice(1, -1));
    }
    for (const path of ["/board", `/board/queue/${encodeURIComponent(NORIS_LANE)}/${encodeURIComponent(SCRIPT)}`]) {
      const page = await monitor.send(path);
      expect(page.headers["content-type"]).toContain("text/html");
      expect(page.text).not.toContain("alert(1)");
    }
  });

  it("has a page that asks no other origin for anything", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const { text, headers } = await monitor.send("/board");
    expect(text).toContain("<title>Puppet Engine</title>");
    expect([...text.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address]) => address)).toSatisfy(
      (addresses: string[]) =>
        addresses.length > 5 && addresses.every((address) => /^(?:static|\/board)\//.test(address)),
    );
    expect(text).not.toMatch(/https?:/);
    expect(headers["content-security-policy"]).toContain("default-src 'self'");
  });
});

describe("Bull Board, read-only,", () => {
  it("changes nothing when it is read-only: every write is refused", async () => {
    await using openai = await startRecordedServer({ response: { status: 400, headers: {}, body: {} } });
    await using system = await startSystem({ openai });
    const worker = await system.startWorker();
    await system.run({ id: "failed", kind: "tweet", agent: "nori" });
    await system.queued(NORIS_LANE, "failed", "failed");
    await worker.stop();
    await system.producer.enqueue({ id: "waiting", kind: "tweet", agent: "nori" });
    await using monitor = await openMonitor({ namespace: system.namespace, readOnly: true });
    const view = `/board/api/queues?activeQueue=${encodeURIComponent(NORIS_LANE)}`;
    const before = await monitor.json(view);

    const writes = appRoutes.api.flatMap(({ method, route }) => routesOf(method, route)).filter(isWrite);
    expect(writes.length).toBeGreaterThan(20);
    const others = ["POST", "PUT", "PATCH", "DELETE"].flatMap((method) =>
      ["/board", "/board/", "/board/api/queues", "/board/static/favicon.ico", "/board/nothing"].map(
        (path): [string, string] => [method, path],
      ),
    );
    for (const [method, path] of [...writes, ...others]) {
      const { status, text } = await monitor.send(path, { method, ...(method === "PUT" && { body: {} }) });
      expect({ method, path, status }).toEqual({ method, path, status: 403 });
      expect(text).toContain("this monitor is read-only (--read-only)");
    }
    expect(await monitor.json(view)).toEqual(before);
  });

  it("shows fifty jobs at once at the most: more would hold Redis up", async () => {
    await using monitor = await openMonitor({ namespace: testNamespace() });
    expect((await monitor.send("/board/api/queues?jobsPerPage=50")).status).toBe(200);
    for (const most of ["51", "1000000", "x", "Infinity"]) {
      const answer = await monitor.send(`/board/api/queues?jobsPerPage=${most}`);
      expect({ most, status: answer.status }).toEqual({ most, status: 400 });
      expect(answer.text).toContain("jobsPerPage: at most 50");
    }
  });

  it("offers no buttons then", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor({ namespace: system.namespace, readOnly: true });
    const queues = Object.values(await boardQueues(monitor));
    expect(queues).toHaveLength(3);
    for (const queue of queues) expect(queue).toMatchObject({ readOnlyMode: true, allowRetries: false });
  });

  it("offers them otherwise, but not to run again what succeeded", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    for (const queue of Object.values(await boardQueues(monitor)))
      expect(queue).toMatchObject({ readOnlyMode: false, allowRetries: true, allowCompletedRetries: false });
  });
});

/** Bull Board's own table of routes, each with a lane and a job that exist. */
function routesOf(methods: string | readonly string[], routes: string | readonly string[]): [string, string][] {
  const filled = [routes]
    .flat()
    .map((route) =>
      `/board${route}`
        .replace(":queueName", encodeURIComponent(NORIS_LANE))
        .replace(":jobId", "j_failed")
        .replace(":queueStatus", "failed")
        .replace(":schedulerId", "s"),
    );
  return [methods].flat().flatMap((method) => filled.map((path): [string, string] => [method.toUpperCase(), path]));
}

function isWrite([method]: [string, string]): boolean {
  return method !== "GET";
}
