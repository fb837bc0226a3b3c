import { describe, expect, it } from "vitest";
import { recordedAnswer } from "../support/recorded-answers.ts";
import type { Answer } from "../support/recorded-server.ts";
import { batchConformance } from "./batch.conformance.ts";
import { collect, failureOf, json, MARKER, startBatches, type BatchSubject } from "./batch-subject.ts";
import { never } from "./subject.ts";
import { MESSAGE_BATCHES } from "./wires/message-batches.ts";

const ANTHROPIC: BatchSubject = { id: "anthropic", model: "claude-haiku-5-5", wire: MESSAGE_BATCHES };
const { batch, page, line } = MESSAGE_BATCHES;

batchConformance(ANTHROPIC);

describe("Anthropic's batches", () => {
  it("are made in one call, with ids that Anthropic takes", async () => {
    await using batches = await startBatches(ANTHROPIC);
    await batches.api.submit(batches.rows, MARKER, never);
    expect(batches.server.calls).toHaveLength(1);
    expect(batches.server.calls[0]?.headers["anthropic-version"]).toBe("2023-06-01");
    for (const id of batches.rows.keys()) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });

  it("cannot be told apart while they run, and are not made again meanwhile", async () => {
    const list = json(page([batch({ id: "batch_7", state: "running" })], false));
    await using batches = await startBatches(ANTHROPIC, { list });
    const failure = await failureOf(batches.find());
    expect(failure).toMatchObject({ kind: "overloaded", status: null });
    expect(failure.message).toBe("whether batch batch_7 is ours can be told when its results are there");
  });

  it("are found among others that run, and whatever their first line is", async () => {
    const list = json(page([batch({ id: "batch_7", state: "running" }), batch()], false));
    const long = line("x", { status: 200, body: "x".repeat(5 * 1024 * 1024) }).replace('"custom_id":"x",', "");
    const file = json([long, "", line(`${MARKER}-0`, "expired")].join("\n"));
    await using batches = await startBatches(ANTHROPIC, { list, file });
    expect(await batches.find()).toBe("batch_1");
  });

  it("whose results say nothing may be ours: they are neither taken up nor made again", async () => {
    const list = json(page([batch()], false));
    await using batches = await startBatches(ANTHROPIC, { list, file: json("") });
    expect(await failureOf(batches.find())).toMatchObject({ kind: "overloaded" });
  });

  it("that leave out how many rows they have, or when they were made, may be ours", async () => {
    const { request_counts: _, created_at: __, ...rest } = batch() as Record<string, unknown>;
    const list = json(page([rest], false));
    await using batches = await startBatches(ANTHROPIC, { list, file: json(line(`${MARKER}-1`, "cancelled")) });
    expect(await batches.find()).toBe("batch_1");
  });

  it("of which one has the beginning of our mark are not ours", async () => {
    const list = json(page([batch()], false));
    await using batches = await startBatches(ANTHROPIC, { list, file: json(line(`${MARKER}0-1`, "expired")) });
    expect(await batches.find()).toBe(null);
  });

  it("send the key to no other place, wherever the results are said to be", async () => {
    const look = json({ ...(batch() as object), results_url: "http://127.0.0.1:1/elsewhere" });
    const file: Answer = json(line(`${MARKER}-1`, "expired"));
    await using batches = await startBatches(ANTHROPIC, { look, file });
    expect((await batches.results()).size).toBe(1);
    expect(batches.server.calls.map(({ url }) => url)).toEqual(["/v1/messages/batches/batch_1/results"]);
  });

  it("answer rows as recorded: texts, and a request that was refused", async () => {
    await using batches = await startBatches(ANTHROPIC, { file: recordedAnswer("anthropic/200-batch-results.json") });
    const request = batches.rows.get(`${MARKER}-0`);
    if (request === undefined) throw new Error("there is no such row");
    const rows = new Map(["my-first-request", "my-second-request", "23"].map((id) => [id, request]));
    const results = await collect(batches.api, rows);
    expect(results.get("my-first-request")).toMatchObject({
      response: { text: "Hello! How can I help you today?", usage: { inputTokens: 10, outputTokens: 12 } },
    });
    batches.answer({ file: recordedAnswer("anthropic/200-batch-results-errored.json") });
    expect((await collect(batches.api, rows)).get("23")).toMatchObject({
      error: {
        kind: "invalid-request",
        message: expect.stringMatching(/^HTTP 400: max_tokens: 100000 > 64000/) as string,
      },
    });
  });
});
