import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { createWaits, TooManyWaitsError } from "../../../src/monitor/api/waits.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openApi } from "./api-client.ts";
import { openMonitor } from "./open-monitor.ts";
import { openApiSystem, TWEET } from "./open-api.ts";

describe("requests a minute", () => {
  it("are limited, by address and token; a batch is one request", async () => {
    const tokens = { token: "operators", viewerToken: "viewers" };
    await using opened = await openApiSystem({ monitor: { ...tokens, apiLimits: { requestsPerMinute: 3 } } });
    const { api, monitor } = opened;
    // Reading the document was the first one.
    await api.expect(200, "POST /jobs/batch", { jobs: Array.from({ length: 50 }, () => TWEET) });
    await api.expect(404, "GET /nothing");
    const { status, headers, body } = await api.call("GET /lanes");
    expect(status).toBe(429);
    const seconds = Number(headers["retry-after"]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(body).toEqual({
      error:
        `3 requests a minute are taken from this address: try again in ${seconds} s; ` +
        "monitor.requestsPerMinute in the configuration file sets that",
    });
    await (await openApi(monitor, "viewers")).expect(200, "GET /lanes");
    expect((await monitor.send("/metrics", { headers: { authorization: "Bearer operators" } })).status).toBe(200);
    // Whoever brings no token does not count, and gets no further.
    expect((await monitor.send("/api/v1/lanes")).status).toBe(401);
  });
});

/** A request that waits for a job that nobody enqueues. */
function waitInVain(url: string, id = "none") {
  const sent = request(`${url}/api/v1/jobs/${id}/result?waitSeconds=60`, { agent: false });
  sent.on("error", () => undefined).end();
  return sent;
}

describe("requests that wait", () => {
  it("are limited in number; a client that leaves makes room", async () => {
    await using opened = await openApiSystem({ monitor: { apiLimits: { waitingRequests: 2 } } });
    const { api, monitor, system } = opened;
    const leaving = [waitInVain(monitor.url), waitInVain(monitor.url)];
    let refused = await api.call("GET /jobs/none/result?waitSeconds=1");
    await waitFor(async () => (refused = await api.call("GET /jobs/none/result?waitSeconds=1")).status === 503);
    expect(refused).toMatchObject({
      headers: { "retry-after": "1" },
      body: {
        error:
          "2 requests wait already, and no more may: come back later, or ask without waitSeconds; " +
          "monitor.waitingRequests in the configuration file sets that",
      },
    });
    await api.expect(503, "POST /jobs?waitSeconds=1", { ...TWEET, id: "a" });
    await api.expect(404, "GET /jobs/a");
    await api.expect(201, "POST /jobs", { ...TWEET, id: "a" });
    expect(await api.expect(202, "GET /jobs/a/result"), "who does not wait is answered").toBeTruthy();
    for (const sent of leaving) sent.destroy();
    await system.startWorker();
    await waitFor(async () => (await api.call("GET /jobs/a/result?waitSeconds=60")).status === 200);
  });

  it("are answered with what there is when the monitor ends", async () => {
    const opened = await openApiSystem();
    const { api, monitor, system } = opened;
    await api.expect(201, "POST /jobs", { ...TWEET, id: "a" });
    const answer = monitor.send("/api/v1/jobs/a/result?waitSeconds=60");
    await waitFor(async () => (await system.redis.pubsub("NUMSUB", system.keys.settledChannel))[1] === 1);
    await opened[Symbol.asyncDispose]();
    expect(await answer).toMatchObject({ status: 202, text: '{"id":"a","status":"waiting"}' });
  });

  it("count from when they begin until they are answered", async () => {
    const raw = { once: () => undefined, off: () => undefined, destroyed: false };
    const reply = { raw, request: { role: "operator" } } as unknown as Parameters<
      ReturnType<typeof createWaits>["enter"]
    >[0];
    const waits = createWaits(1);
    const first = waits.enter(reply);
    expect(() => waits.enter(reply)).toThrow(TooManyWaitsError);
    first[Symbol.dispose]();
    const second = waits.enter(reply);
    const ended = waits.endAll();
    expect([first.signal.aborted, second.signal.aborted]).toEqual([false, true]);
    second[Symbol.dispose]();
    await ended;
    await waits.endAll();
    const gone = waits.enter({ ...reply, raw: { ...raw, destroyed: true } } as unknown as typeof reply);
    expect(gone.signal.aborted, "whose client has left already").toBe(true);
  });

  it("are half as many for viewers: they take no place of those who wait for their own jobs", () => {
    const raw = { once: () => undefined, off: () => undefined, destroyed: false };
    const replyOf = (role: string) =>
      ({ raw, request: { role } }) as unknown as Parameters<ReturnType<typeof createWaits>["enter"]>[0];
    const waits = createWaits(4);
    waits.enter(replyOf("viewer"));
    waits.enter(replyOf("viewer"));
    expect(() => waits.enter(replyOf("viewer"))).toThrow(TooManyWaitsError);
    waits.enter(replyOf("operator"));
    waits.enter(replyOf("operator"));
    expect(() => waits.enter(replyOf("operator"))).toThrow(TooManyWaitsError);
  });
});

describe("roles", () => {
  const REFUSAL = { error: "viewers change nothing; MONITOR_TOKEN does" };

  it("viewers read everything and change nothing; nobody else comes in", async () => {
    await using opened = await openApiSystem({ monitor: { token: "operators", viewerToken: "viewers" } });
    const { api, monitor, system } = opened;
    const viewer = await openApi(monitor, "viewers");
    for (const [path, methods] of Object.entries(api.document.paths))
      for (const method of Object.keys(methods)) {
        const line = `${method.toUpperCase()} ${path.replace("/api/v1", "").replaceAll(/\{\w+\}/g, "x")}`;
        const { status, body } = await viewer.call(line);
        if (method === "get") expect([200, 404], line).toContain(status);
        else expect({ line, status, body }).toEqual({ line, status: 403, body: REFUSAL });
      }
    const stranger = { authorization: "Bearer wrong" };
    for (const line of ["GET /lanes", "POST /jobs"])
      expect(await api.call(line, { headers: stranger })).toMatchObject({
        status: 401,
        body: { error: "a token is needed" },
      });
    expect(await api.call("POST /pause", { headers: { origin: "http://evil.example" } })).toMatchObject({
      status: 403,
    });
    expect(await api.call("GET /lanes", { headers: { host: "evil.example" } })).toMatchObject({ status: 421 });
    const answer = await api.call("GET /lanes", { headers: { origin: "http://evil.example" } });
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(await system.redis.keys(`{${system.namespace}}:job:*`)).toEqual([]);
    await api.expect(201, "POST /jobs", TWEET);
  });
});

describe("a Redis that is away", () => {
  it("is said to be so, with 503, by every route", async () => {
    await using monitor = await openMonitor({ namespace: "away", redisUrl: "redis://127.0.0.1:1" });
    const api = await openApi(monitor);
    const error = "Redis cannot be reached: no connection; start it, or correct REDIS_URL";
    const lines = [
      "GET /jobs/a",
      "GET /jobs/a/result",
      "GET /runs",
      "GET /lanes",
      "GET /usage",
      "GET /health",
      "POST /pause",
    ];
    const job = { kind: "tweet", agent: "echo" };
    // At once: each takes as long as the next try to connect.
    const answers = await Promise.all([
      ...lines.map(async (line) => await api.expect(503, line)),
      api.expect(503, "POST /jobs?waitSeconds=5", job),
      api.expect(503, "POST /jobs/batch", { jobs: [job] }),
    ]);
    expect(answers).toEqual(answers.map(() => ({ error })));
    await api.expect(400, "POST /jobs", { ...job, mood: 1 });
  });
});
