import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import type { GenerationJob } from "../../../src/job/generation-job.ts";
import { recordedAnswer, completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { API } from "./api-client.ts";
import type { TestMonitor } from "./open-monitor.ts";
import { FAKE_LANE, openApiSystem, OPENAI_LANE, TWEET } from "./open-api.ts";

const REFUSED = recordedAnswer("openai/400-invalid-type.json");

interface Outcomes {
  readonly summary: Readonly<Record<string, number>>;
  readonly jobs: readonly { readonly index: number; readonly id: string; readonly status: string }[];
}

const many = (count: number, prefix = "t") =>
  Array.from({ length: count }, (_, index) => ({ ...TWEET, id: `${prefix}${index}` }));

/** Says how large the body will be, and sends none of it: it is refused for that alone. */
async function announce(
  monitor: TestMonitor,
  path: string,
  bytes: number,
): Promise<{ status?: number; error: string }> {
  const headers = { "content-type": "application/json", "content-length": bytes };
  const sent = request(`${monitor.url}${API}${path}`, { method: "POST", headers, agent: false });
  sent.flushHeaders();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const { error } = JSON.parse(await text(response)) as { error: string };
  sent.on("error", () => undefined).destroy();
  return { status: response.statusCode ?? 0, error };
}

describe("POST /jobs/batch", () => {
  it("tells of each job what came of it, in order; those that are refused hold nobody up", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    await api.expect(201, "POST /jobs", { ...TWEET, id: "old" });
    const jobs = [
      { ...TWEET, id: "new" },
      { ...TWEET, id: "old" },
      { ...TWEET, id: "old", context: {} },
      { ...TWEET, id: "bad id", mood: 1 },
      null,
      { ...TWEET, id: "new" },
      { kind: "reply", agent: "mia", mention: "Why?" },
    ];
    const { summary, jobs: outcomes } = await api.expect<Outcomes>(200, "POST /jobs/batch", { jobs });
    expect(summary).toEqual({ enqueued: 2, alreadyEnqueued: 2, alreadyFinished: 0, refused: 3 });
    expect(outcomes).toMatchObject([
      { index: 0, id: "new", status: "enqueued", lane: FAKE_LANE },
      { index: 1, id: "old", status: "already-enqueued", lane: FAKE_LANE },
      { index: 2, id: "old", status: "conflict", error: expect.stringContaining("another payload") as string },
      { index: 3, id: "bad id", status: "invalid", problems: [{ path: "id" }, { path: "mood" }] },
      { index: 4, id: null, status: "invalid", problems: [{ path: "", got: "null" }] },
      { index: 5, id: "new", status: "already-enqueued" },
      { index: 6, status: "enqueued" },
    ]);
    const urgencyOf = async (id: string) =>
      ((await system.lane(FAKE_LANE).getJob(`j_${id}`))?.data as GenerationJob | undefined)?.urgency;
    expect(await urgencyOf("new")).toBe("bulk");
    expect(await urgencyOf(outcomes[6]?.id ?? "")).toBe("reply");
    expect(await urgencyOf("old"), "one at a time").toBe("scheduled");
  });

  it("takes 10,000 jobs of 8 MB, and no more; other routes take 512 KB", async () => {
    await using opened = await openApiSystem();
    const { api, monitor } = opened;
    const large = many(10_000).map((job) => ({ ...job, context: { topic: "rain ".repeat(120) } }));
    const { summary, jobs } = await api.expect<Outcomes>(200, "POST /jobs/batch", { jobs: large });
    expect(summary).toEqual({ enqueued: 10_000, alreadyEnqueued: 0, alreadyFinished: 0, refused: 0 });
    expect(jobs.every(({ index, id }) => id === `t${index}`)).toBe(true);
    const expected = "a list of 1 to 10000 jobs";
    for (const wrong of [many(10_001), [], {}, undefined])
      expect(await api.expect(400, "POST /jobs/batch", { jobs: wrong })).toMatchObject({
        problems: [{ path: "jobs", expected }],
      });
    expect(await announce(monitor, "/jobs/batch", 8 * 1024 * 1024 + 1)).toEqual({
      status: 413,
      error: "body: got more than 8388608 bytes; expected at most 8388608 bytes",
    });
    expect(await announce(monitor, "/jobs", 512 * 1024 + 1)).toEqual({
      status: 413,
      error: "body: got more than 524288 bytes; expected at most 524288 bytes",
    });
    const tooLargeJob = { ...TWEET, context: { topic: "x".repeat(257 * 1024) } };
    expect(await api.expect(413, "POST /jobs", tooLargeJob)).toMatchObject({
      problems: [{ expected: "at most 262144 bytes (256 KiB)" }],
    });
  });

  it("adds jobs to a run, whose agent writes those that name none", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    const jobs = [
      { kind: "tweet", id: "a" },
      { ...TWEET, agent: "nori", id: "b" },
    ];
    expect(await api.expect(404, "POST /jobs/batch", { run: "evening", jobs })).toEqual({
      error: "there is no run evening; PUT /api/v1/runs/evening begins it",
    });
    await api.expect(201, "PUT /runs/evening", { agent: "mia", total: 2 });
    expect(await api.expect(200, "POST /jobs/batch?run=evening", { jobs })).toMatchObject({
      jobs: [{ lane: FAKE_LANE }, { lane: OPENAI_LANE }],
    });
    expect(await api.expect(200, "GET /jobs/a")).toMatchObject({ agentId: "mia", run: "evening" });
    await api.expect(200, "POST /jobs/batch?run=evening", { run: "evening", jobs });
    expect(await api.expect(400, "POST /jobs/batch?run=evening", { run: "morning", jobs })).toMatchObject({
      error: "body run: got morning; expected evening, as in the address, or only one of the two",
    });
    expect(await api.expect(400, "POST /jobs/batch", { run: "a b", jobs, force: true })).toMatchObject({
      problems: [{ path: "run" }, { path: "force", got: "an unknown field" }],
    });
    expect(await api.expect(200, "GET /runs/evening")).toMatchObject({ isFed: true });
    await system.startWorker();
    await api.expect(200, "GET /jobs/a/result?waitSeconds=60");
    expect(await api.expect(200, "GET /runs/evening")).toMatchObject({ done: { succeeded: 1 }, total: 2 });
  });

  it("adds none to a run that is over, or another program's", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    const { runs } = system.producer;
    const begin = async (id: string, output: string | null = null) =>
      await runs.begin({ id, input: output, output, agent: null, total: null });
    await begin("file", "out.jsonl");
    await begin("over");
    await runs.setState("over", "cancelled");
    await begin("done");
    await runs.setState("done", "done");
    const refusals = {
      file: "feeds it alone",
      over: "/runs/over/resume goes on",
      done: "PUT /api/v1/runs/done makes it run",
    };
    for (const [run, words] of Object.entries(refusals))
      expect(await api.expect(409, "POST /jobs/batch", { run, jobs: [TWEET] })).toMatchObject({
        error: expect.stringContaining(words) as string,
      });
  });

  it("runs jobs that have failed again, if that is asked for", async () => {
    await using openai = await startRecordedServer(REFUSED, completionAnswer());
    await using opened = await openApiSystem({ openai });
    const { api, system } = opened;
    await system.startWorker();
    const jobs = [{ ...TWEET, agent: "nori", id: "a" }];
    await api.expect(200, "POST /jobs/batch", { jobs });
    expect(await system.resultOf("a")).toMatchObject({ status: "failed" });
    await system.queued(OPENAI_LANE, "a", "failed");
    expect(await api.expect(200, "POST /jobs/batch", { jobs })).toMatchObject({ summary: { alreadyFinished: 1 } });
    expect(await api.expect(200, "POST /jobs/batch", { jobs, retryFailed: true })).toMatchObject({
      summary: { enqueued: 1 },
    });
    expect(await api.expect(200, "GET /jobs/a/result?waitSeconds=60")).toMatchObject({ status: "succeeded" });
  });
});
