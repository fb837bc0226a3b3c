import { describe, expect, it } from "vitest";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openApiSystem, OPENAI_LANE, TWEET, type ApiSystem } from "./open-api.ts";

const REFUSED = recordedAnswer("openai/400-invalid-type.json");

const jobs = (count: number, agent = "mia") =>
  Array.from({ length: count }, (_, index) => ({ ...TWEET, agent, id: `${agent}${index}` }));

describe("PUT /runs/{id}", () => {
  it("begins a run, once", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    expect(await api.expect(200, "GET /runs")).toEqual({ runs: [] });
    expect(await api.expect(404, "GET /runs/evening")).toEqual({
      error: "there is no run evening; PUT /api/v1/runs/evening begins it",
    });
    const begun = await api.expect(201, "PUT /runs/evening", { total: 3, agent: "mia" });
    expect(begun).toMatchObject({ id: "evening", state: "running", total: 3, agent: "mia", input: null, done: {} });
    await api.expect(200, "POST /jobs/batch", { run: "evening", jobs: jobs(1) });
    expect(await api.expect(200, "PUT /runs/evening", {}), "takes nothing away").toMatchObject({
      total: 3,
      agent: "mia",
    });
    expect(await api.expect(200, "PUT /runs/evening", { total: 4 })).toMatchObject({ total: 4 });
    await api.expect(201, "PUT /runs/morning", {});
    const { runs } = await api.expect<{ runs: { id: string }[] }>(200, "GET /runs");
    expect(runs.map(({ id }) => id).sort()).toEqual(["evening", "morning"]);
    expect(await api.expect(400, "PUT /runs/evening", { total: -1, agent: "a b", input: "x.csv" })).toMatchObject({
      problems: [{ path: "total" }, { path: "agent" }, { path: "input", got: "an unknown field" }],
    });
    expect(await api.expect(400, "PUT /runs/evening")).toMatchObject({
      error: "body: got nothing; expected an object",
    });
  });

  it("undoes nothing that an operator has done, and leaves alone what is `bulk`'s", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    await api.expect(201, "PUT /runs/r", {});
    await api.expect(200, "POST /runs/r/pause");
    expect(await api.expect(409, "PUT /runs/r", {})).toEqual({
      error: "run r is paused; POST /api/v1/runs/r/resume goes on with it",
    });
    await api.expect(200, "POST /runs/r/cancel");
    expect(await api.expect(409, "PUT /runs/r", {})).toMatchObject({
      error: expect.stringContaining("is cancelled") as string,
    });
    await system.producer.runs.begin({ id: "file", input: "in.csv", output: "out.jsonl", agent: null, total: 1 });
    const refusal = "run file belongs to `puppet-engine bulk`";
    expect(await api.expect(409, "PUT /runs/file", {})).toEqual({
      error: `${refusal}, which writes out.jsonl; take another id`,
    });
    expect(await api.expect(409, "POST /runs/file/finish")).toEqual({
      error: `${refusal}, which says by itself when it is done`,
    });
    expect(await api.expect(200, "POST /runs/file/pause")).toMatchObject({ changed: true, run: { state: "paused" } });
    expect(await api.expect(400, "POST /runs/file/retry-failed")).toMatchObject({
      problems: [{ expected: "`puppet-engine runs retry-failed file` on the machine that has this file" }],
    });
  });
});

describe("POST /runs/{id}/…", () => {
  const WORDS = ["pause", "resume", "cancel", "finish"] as const;
  /** What each word makes of each state; a number: what it is refused with. */
  const TABLE: readonly [from: string, ...to: (string | number)[]][] = [
    ["running", "paused", "running", "cancelled", "done"],
    ["paused", "paused", "running", "cancelled", 409],
    ["cancelled", 409, "running", "cancelled", 409],
    ["done", 409, 409, 409, "done"],
  ];

  it.each(TABLE)("does what it can with a run that is %s", async (from, ...outcomes) => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    for (const [index, to] of outcomes.entries()) {
      const word = WORDS[index] ?? "";
      await api.expect(index === 0 ? 201 : 200, "PUT /runs/r", {}).catch(() => undefined);
      await system.producer.runs.setState("r", from as "done");
      const answer = await api.call(`POST /runs/r/${word}`);
      if (typeof to === "number") {
        expect(answer).toMatchObject({
          status: to,
          body: { error: expect.stringContaining(`run r is ${from}: it cannot be`) as string },
        });
        continue;
      }
      expect(answer).toMatchObject({ status: 200, body: { changed: to !== from, run: { id: "r", state: to } } });
      const { endedAt } = (answer.body as { run: { endedAt: number | null } }).run;
      expect(endedAt === null, `${from} ${word}`).toBe(to === "running" || to === "paused");
    }
  });

  it("is refused for a run that there is not, and with a body", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    for (const word of [...WORDS, "retry-failed"])
      expect(await api.expect(404, `POST /runs/r/${word}`)).toMatchObject({
        error: expect.stringContaining("no run r") as string,
      });
    await api.expect(404, "POST /runs/r/pause", {});
    expect(await api.expect(400, "POST /runs/r/pause", { until: "noon" })).toMatchObject({
      error: "body: got an object; expected no body",
    });
  });

  it("cancel ends its jobs as soon as a worker takes them; resume lets others go on", async () => {
    await using opened = await openApiSystem();
    const { api, system } = opened;
    await api.expect(201, "PUT /runs/r", { total: 4 });
    await api.expect(200, "POST /jobs/batch", { run: "r", jobs: jobs(2) });
    await api.expect(200, "POST /runs/r/cancel");
    await system.startWorker();
    for (const id of ["mia0", "mia1"])
      expect(await api.expect(200, `GET /jobs/${id}/result?waitSeconds=60`)).toMatchObject({
        status: "cancelled",
        attempts: [],
      });
    const run = { state: "cancelled", endedAt: expect.any(Number) as number, done: { cancelled: 2 } };
    expect(await api.expect(200, "GET /runs/r")).toMatchObject(run);
    await api.expect(200, "POST /runs/r/resume");
    await api.expect(200, "POST /jobs/batch", { run: "r", jobs: jobs(4) });
    for (const id of ["mia2", "mia3"])
      expect(await api.expect(200, `GET /jobs/${id}/result?waitSeconds=60`)).toMatchObject({ status: "succeeded" });
    await untilDone(opened, { cancelled: 2, succeeded: 2 });
    await system.expectAccounted();
  });

  it("retries what has failed", async () => {
    await using openai = await startRecordedServer(REFUSED);
    await using opened = await openApiSystem({ openai });
    const { api, system } = opened;
    await system.startWorker();
    await api.expect(201, "PUT /runs/r", { total: 2, agent: "nori" });
    await api.expect(200, "POST /jobs/batch", { run: "r", jobs: jobs(2, "nori") });
    for (const id of ["nori0", "nori1"]) await system.queued(OPENAI_LANE, id, "failed");
    await api.expect(200, "POST /runs/r/finish");
    openai.answerWith(completionAnswer());
    expect(await api.expect(200, "POST /runs/r/retry-failed")).toMatchObject({ retried: 2, run: { state: "running" } });
    await untilDone(opened, { succeeded: 2 });
    expect(await api.expect(200, "POST /runs/r/retry-failed")).toMatchObject({ retried: 0 });
    await system.expectAccounted();
  });
});

async function untilDone({ api }: ApiSystem, done: object): Promise<void> {
  let run: unknown;
  await waitFor(
    async () => {
      run = await api.expect(200, "GET /runs/r");
      return JSON.stringify((run as { done: object }).done) === JSON.stringify(done);
    },
    { describe: () => `the run has ${JSON.stringify(done)}: ${JSON.stringify(run)}` },
  );
}
