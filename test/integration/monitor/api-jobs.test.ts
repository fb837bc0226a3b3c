import { describe, expect, it } from "vitest";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { FAKE_LANE, OPENAI_LANE, openApiSystem, TWEET } from "./open-api.ts";

const REFUSED = recordedAnswer("openai/400-invalid-type.json");

describe("POST /jobs", () => {
  it("enqueues a job once, however often it is sent, and at the same time", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    const job = { ...TWEET, id: "rain-1" };
    const answers = await Promise.all(Array.from({ length: 8 }, () => api.call("POST /jobs", { body: job })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.find(({ status }) => status === 201)).toMatchObject({
      headers: { location: "/api/v1/jobs/rain-1", "cache-control": "no-store" },
      body: { id: "rain-1", lane: FAKE_LANE, status: "enqueued" },
    });
    const others = answers.filter(({ status }) => status !== 201).map(({ body }) => body);
    expect(others).toEqual(others.map(() => ({ id: "rain-1", lane: FAKE_LANE, status: "already-enqueued" })));
    expect(await api.expect(409, "POST /jobs", { ...job, context: { topic: "snow" } })).toEqual({
      error: "job rain-1: the id belongs to a job with another payload; give this one another id",
    });
    await system.startWorker();
    await system.resultOf("rain-1");
    expect(await api.expect(200, "POST /jobs", job)).toMatchObject({ status: "already-finished" });
    expect(await system.expectAccounted()).toHaveLength(1);
  });

  it("takes the header Idempotency-Key for the id of a job that has none", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    const send = async (key: string, body: object) =>
      await api.call("POST /jobs", { headers: { "idempotency-key": key }, body });
    expect(await send("k-1", TWEET)).toMatchObject({ status: 201, body: { id: "k-1" } });
    expect(await send('"k-1"', TWEET), "in quotation marks").toMatchObject({ status: 200, body: { id: "k-1" } });
    expect(await send("k-2", { ...TWEET, id: "own" })).toMatchObject({ status: 201, body: { id: "own" } });
    expect(await send("k 3", TWEET)).toMatchObject({
      status: 400,
      body: { problems: [{ source: "headers", path: '["idempotency-key"]', got: '"k 3"' }] },
    });
  });

  it("answers with the result, if it comes in time", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    const early = await api.expect(201, "POST /jobs?waitSeconds=0", { ...TWEET, id: "a" });
    expect(early).toEqual({ id: "a", lane: FAKE_LANE, status: "enqueued", result: null });
    expect(await api.expect(200, "POST /jobs", { ...TWEET, id: "a" })).not.toHaveProperty("result");
    await system.startWorker();
    const done = await api.expect(201, "POST /jobs?waitSeconds=60", { ...TWEET, id: "b" });
    expect(done).toMatchObject({ id: "b", result: { status: "succeeded", id: "b", agentId: "mia", provider: "fake" } });
    expect(await system.producer.result("b"), "exactly as the library gives it").toEqual(done["result"]);
  });

  it("says everything that is wrong, by field", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    const body = { kind: "tweet", mood: "calm", urgency: "soon", context: { apiKey: "sk-0123456789abcdefghijk" } };
    const told = await api.expect(400, "POST /jobs", body);
    expect(told).toMatchObject({
      problems: [
        { source: "job", path: "context.apiKey", got: "a field for a secret (its value is not shown)" },
        { source: "job", path: "agent", got: "nothing", expected: expect.stringContaining("id of an agent") as string },
        { source: "job", path: "urgency", got: '"soon"', expected: "one of reply, scheduled, bulk" },
        { source: "job", path: "mood", got: "an unknown field" },
      ],
    });
    expect(JSON.stringify(told)).not.toContain("0123456789");
    expect(await api.expect(400, "POST /jobs", { ...TWEET, agent: "mai" })).toMatchObject({
      error: 'job agent: got "mai"; expected the id of an agent: one of mia, nori; did you mean "mia"?',
    });
    expect(await api.expect(400, "POST /jobs?waitSeconds=61&wait=1&waitSeconds=x", TWEET)).toMatchObject({
      problems: [
        { source: "query", path: "waitSeconds", got: "a list", expected: "seconds, an integer from 0 to 60" },
        {
          source: "query",
          path: "wait",
          got: "an unknown field",
          expected: "waitSeconds",
        },
      ],
    });
    expect(await api.expect(400, "POST /jobs")).toMatchObject({
      error: "job: got nothing; expected an object: the fields of one job",
    });
  });

  it("takes JSON, and nothing else", async () => {
    await using opened = await openApiSystem();
    const { api, monitor } = opened;
    const send = async (type: string, text: string) => {
      const answer = await fetch(`${monitor.url}/api/v1/jobs`, {
        method: "POST",
        headers: { "content-type": type },
        body: text,
      });
      return { status: answer.status, body: await answer.json() };
    };
    const json = JSON.stringify(TWEET);
    expect(await send("application/json; charset=utf-8", json)).toMatchObject({ status: 201 });
    expect(await send("text/plain", json)).toMatchObject({
      status: 415,
      body: {
        error: 'headers content-type: got "text/plain"; expected application/json',
        problems: [{ path: "content-type" }],
      },
    });
    expect(await send("application/json", '{"kind":\n tweet}')).toEqual({
      status: 400,
      body: {
        error: expect.stringMatching(/^body:2: got tweet; expected a JSON value/) as string,
        problems: [{ source: "body", line: 2, path: "", got: "tweet", expected: expect.any(String) as string }],
      },
    });
    expect(await send("application/json", '{"kind": "tweet", }')).toMatchObject({
      status: 400,
      body: {
        error: "body: got something else; expected JSON without comments, and without commas before closing brackets",
      },
    });
    expect(await send("application/json", '{"kind":"tweet","agent":"mia","__proto__":{"id":"x"}}')).toMatchObject({
      status: 400,
      body: { problems: [{ path: "__proto__" }] },
    });
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(await send("application/json", deep)).toMatchObject({ status: 400 });
    expect(await api.call("POST /jobs", { form: { kind: "tweet" } })).toMatchObject({ status: 415 });
  });
});

describe("GET /jobs/{id}", () => {
  it("tells where a job is, and its result when it has one", async () => {
    await using openai = await startRecordedServer(REFUSED);
    await using opened = await openApiSystem({ openai });
    const { api, system } = opened;
    expect(await api.expect(404, "GET /jobs/a")).toEqual({
      error: "there is no job a: it was never enqueued, or is no longer kept",
    });
    await api.expect(201, "POST /jobs", { ...TWEET, agent: "nori", id: "a" });
    const common = { id: "a", kind: "tweet", agentId: "nori", lane: OPENAI_LANE, run: null, score: null };
    const enqueuedAt = expect.any(Number) as number;
    expect(await api.expect(200, "GET /jobs/a")).toEqual({
      ...common,
      ...{ status: "waiting", enqueuedAt, calls: 0, result: null },
    });
    const worker = await system.startWorker();
    await system.resultOf("a");
    const job = await system.queued(OPENAI_LANE, "a", "failed");
    expect(await api.expect(200, "GET /jobs/a")).toMatchObject({
      ...common,
      ...{ status: "failed", calls: 1, result: { status: "failed", attempts: [{ outcome: "invalid-request" }] } },
    });
    await worker.stop({ graceMs: 0 });
    await job.retry("failed");
    expect(await api.expect(200, "GET /jobs/a"), "it runs again").toMatchObject({ status: "waiting", result: null });
  });

  it("knows jobs that a worker is at, that come back later, and that are in quarantine", async () => {
    await using openai = await startRecordedServer(hang);
    await using opened = await openApiSystem({ openai });
    const { api, system } = opened;
    const moved = { b: { lane: FAKE_LANE, delay: 3600_000 }, c: { lane: "quarantine", delay: 0 } };
    for (const [id, { lane, delay }] of Object.entries(moved)) {
      await api.expect(201, "POST /jobs", { ...TWEET, id });
      await system.lane(FAKE_LANE).remove(`j_${id}`);
      await system.lane(lane).add("generate", {}, { jobId: `j_${id}`, delay });
    }
    expect(await api.expect(200, "GET /jobs/b")).toMatchObject({ lane: FAKE_LANE, status: "delayed" });
    expect(await api.expect(200, "GET /jobs/c")).toMatchObject({ lane: "quarantine", status: "waiting" });
    await system.startWorker();
    await api.expect(201, "POST /jobs", { ...TWEET, agent: "nori", id: "a" });
    await openai.seen(1);
    expect(await api.expect(200, "GET /jobs/a")).toMatchObject({ status: "active", calls: 1 });
    expect(await api.expect(202, "GET /jobs/a/result")).toEqual({ id: "a", status: "active" });
  });

  it("gives data back as it is: as JSON that no browser takes for a page", async () => {
    const script = `<script>alert("1")</script>`;
    await using openai = await startRecordedServer(completionAnswer({ text: `So: ${script} & more` }));
    await using opened = await openApiSystem({ openai });
    const { api, system } = opened;
    await system.startWorker();
    const job = { kind: "content", agent: "nori", id: "x", prompt: script };
    expect(await api.expect(201, "POST /jobs?waitSeconds=60", job)).toMatchObject({ result: { status: "succeeded" } });
    const { headers, body } = await api.call("GET /jobs/x/result");
    expect(headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });
    expect((body as { text: string }).text).toContain(script);
  });

  it("refuses strange ids wherever they stand", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    const ids = "a%2Fb a%20b a%00b %3Cscript%3E a:b {x} * %E2%82%AC ..%2f..%2fetc x'%20or%20'1 %0d%0aset-cookie:a=b";
    for (const id of [...ids.split(" "), "a".repeat(129)]) {
      const lines = [`GET /jobs/${id}`, `GET /jobs/${id}/result`, `DELETE /jobs/${id}`, `GET /runs/${id}`];
      for (const line of [...lines, `POST /runs/${id}/pause`])
        expect(await api.expect(400, line)).toMatchObject({ problems: [{ source: "path", path: "id" }] });
      await api.expect(400, `PUT /jobs/${id}/feedback`, { score: 1 });
      await api.expect(400, `PUT /runs/${id}`, {});
    }
  });

  it("takes ids that mean something elsewhere for what they are", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    for (const id of ["__proto__", "constructor", "batch", "-", "0"]) {
      await api.expect(404, `GET /jobs/${id}`);
      await api.expect(201, "POST /jobs", { ...TWEET, id });
      expect(await api.expect(200, `GET /jobs/${id}`)).toMatchObject({ id, status: "waiting" });
    }
  });
});

describe("GET /jobs/{id}/result", () => {
  it("is the result, or says that there is none yet, or no such job", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    await api.expect(404, "GET /jobs/a/result");
    await api.expect(201, "POST /jobs", { ...TWEET, id: "a" });
    expect(await api.expect(202, "GET /jobs/a/result")).toEqual({ id: "a", status: "waiting" });
    expect(await api.expect(202, "GET /jobs/a/result?waitSeconds=1")).toEqual({ id: "a", status: "waiting" });
    const waiting = api.expect(200, "GET /jobs/a/result?waitSeconds=60");
    const early = api.expect(200, "GET /jobs/later/result?waitSeconds=60");
    await system.startWorker();
    expect(await waiting).toEqual(await system.producer.result("a"));
    await api.expect(201, "POST /jobs", { ...TWEET, id: "later" });
    expect(await early, "it was asked for before it came").toMatchObject({ id: "later", status: "succeeded" });
    expect(await api.expect(200, "GET /jobs/a/result")).toMatchObject({ id: "a", status: "succeeded" });
  });
});

describe("DELETE /jobs/{id}", () => {
  it("cancels a job that waits, that is being called for, and none that is finished", async () => {
    await using openai = await startRecordedServer(hang);
    await using opened = await openApiSystem({ openai });
    const { api, system } = opened;
    await api.expect(404, "DELETE /jobs/a");
    await api.expect(201, "POST /jobs", { ...TWEET, id: "a" });
    expect(await api.expect(200, "DELETE /jobs/a")).toEqual({ id: "a", outcome: "cancelled" });
    expect(await api.expect(200, "DELETE /jobs/a")).toEqual({ id: "a", outcome: "settled" });
    expect(await api.expect(200, "GET /jobs/a/result")).toMatchObject({ status: "cancelled" });
    await system.startWorker();
    await api.expect(201, "POST /jobs", { ...TWEET, agent: "nori", id: "b" });
    await openai.seen(1);
    expect(await api.expect(200, "DELETE /jobs/b")).toEqual({ id: "b", outcome: "cancelling" });
    expect(await api.expect(200, "GET /jobs/b/result?waitSeconds=60")).toMatchObject({ status: "cancelled" });
    await openai.idle();
  });
});

describe("PUT /jobs/{id}/feedback", () => {
  it("stores the score of a text, and says why it cannot", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    await api.expect(404, "PUT /jobs/a/feedback", { score: 1 });
    await api.expect(201, "POST /jobs", { ...TWEET, id: "a" });
    expect(await api.expect(409, "PUT /jobs/a/feedback", { score: 1 })).toEqual({ error: "job a has no result yet" });
    await api.expect(201, "POST /jobs", { ...TWEET, id: "b" });
    await api.expect(200, "DELETE /jobs/b");
    expect(await api.expect(409, "PUT /jobs/b/feedback", { score: 1 })).toEqual({
      error: "job b ended without a text: there is nothing to score",
    });
    await system.startWorker();
    await system.resultOf("a");
    expect(await api.expect(200, "PUT /jobs/a/feedback", { score: 0.12345 })).toEqual({ id: "a", score: 0.123 });
    expect(await api.expect(200, "PUT /jobs/a/feedback", { score: 0.5 })).toEqual({ id: "a", score: 0.5 });
    expect(await api.expect(200, "GET /jobs/a")).toMatchObject({ score: 0.5 });
    for (const score of [-0.1, 1.1, "0.5", null, undefined]) {
      const range = "a number from 0 (bad) to 1 (good)";
      expect(await api.expect(400, "PUT /jobs/a/feedback", { score })).toMatchObject({
        problems: [{ source: "body", path: "score", expected: range }],
      });
    }
    const hidden: unknown = JSON.parse('{"score": 1, "__proto__": {"score": 0}}');
    expect(await api.expect(400, "PUT /jobs/a/feedback", hidden)).toMatchObject({
      error: "body __proto__: got a reserved name; expected no such field",
    });
    expect(await api.expect(400, "PUT /jobs/a/feedback", { score: 1, why: "good" })).toMatchObject({
      error: "body why: got an unknown field; expected score",
    });
  });
});
