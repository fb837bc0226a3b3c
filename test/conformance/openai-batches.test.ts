import { describe, expect, it } from "vitest";
import { recordedAnswer } from "../support/recorded-answers.ts";
import type { Answer } from "../support/recorded-server.ts";
import { batchConformance } from "./batch.conformance.ts";
import { collect, failureOf, json, MARKER, startBatches, type BatchSubject } from "./batch-subject.ts";
import { never } from "./subject.ts";
import { OPENAI_BATCHES } from "./wires/openai-batches.ts";

const OPENAI: BatchSubject = { id: "openai", model: "gpt-6-luna", wire: OPENAI_BATCHES };
const { line, batch } = OPENAI_BATCHES;

batchConformance(OPENAI);

describe("OpenAI's batches", () => {
  it("are made of an uploaded file, and marked", async () => {
    await using batches = await startBatches(OPENAI);
    await batches.api.submit(batches.rows, MARKER, never);
    const [upload, made] = batches.server.calls;
    expect(upload?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(upload?.bodyText).toContain('name="purpose"\r\n\r\nbatch\r\n');
    expect(made).toMatchObject({ method: "POST", url: "/v1/batches" });
    expect(made?.body).toEqual({
      ...{ input_file_id: "file-in", endpoint: "/v1/chat/completions", completion_window: "24h" },
      metadata: { puppet_engine_batch: MARKER },
    });
  });

  it("are not made when the file was not taken", async () => {
    await using batches = await startBatches(OPENAI, {
      upload: recordedAnswer("openai/413-html-payload-too-large.json"),
    });
    expect(await failureOf(batches.api.submit(batches.rows, MARKER, never))).toMatchObject({
      status: 413,
      sent: "yes",
    });
    expect(batches.server.calls).toHaveLength(1);
  });

  it("are sent again later when their file cannot be found yet", async () => {
    const submit = recordedAnswer("openai/400-batch-cannot-find-file.json");
    await using batches = await startBatches(OPENAI, { submit });
    expect(await failureOf(batches.api.submit(batches.rows, MARKER, never))).toMatchObject({ kind: "overloaded" });
  });

  it.each([
    ...[
      ["validating", "running"],
      ["in_progress", "running"],
      ["finalizing", "running"],
      ["cancelling", "running"],
    ],
    ...[
      ["completed", "ended"],
      ["expired", "ended"],
      ["cancelled", "ended"],
      ["failed", "failed"],
    ],
  ])("that are %s are %s", async (status, state) => {
    await using batches = await startBatches(OPENAI, { look: json({ id: "batch_1", status }) });
    expect(await batches.api.status("batch_1", never)).toEqual({
      ...{ state, expiresAt: null, done: 0, total: 0, message: null },
    });
  });

  it("that are refused as a whole say why", async () => {
    await using batches = await startBatches(OPENAI, {
      look: recordedAnswer("openai/200-batch-token-limit-exceeded.json"),
    });
    expect(await batches.api.status("batch_1", never)).toMatchObject({
      ...{ state: "failed", message: expect.stringMatching(/^Enqueued token limit reached for gpt-4o-mini/) as string },
    });
  });

  it("have files for rows that were answered, and for those that were not", async () => {
    const look = json({ ...(batch() as object), output_file_id: "out", error_file_id: "err", status: "expired" });
    const file: Answer = ({ url }) =>
      url.includes("/out/")
        ? json(line(`${MARKER}-0`, { status: 200, body: OPENAI_BATCHES.text("In time.").response.body }))
        : json([line(`${MARKER}-1`, "expired"), line(`${MARKER}-2`, { status: 400, body: {} })].join("\n"));
    await using batches = await startBatches(OPENAI, { look, file });
    const results = await batches.results();
    expect(Array.from(results.values(), ({ is }) => is)).toEqual(["answered", "expired", "failed"]);
  });

  it("whose rows have all failed have a file of errors only", async () => {
    await using batches = await startBatches(OPENAI, {
      look: recordedAnswer("openai/200-batch-completed-without-output.json"),
      file: json(line(`${MARKER}-0`, { status: 500, body: {} })),
    });
    expect(await batches.api.status("batch_1", never)).toMatchObject({ state: "ended", done: 9, total: 9 });
    expect((await batches.results()).size).toBe(1);
    expect(batches.server.calls.at(-1)?.url).toBe("/v1/files/file-XXXX/content");
  });

  it("answer rows as recorded: texts, one cut, and a row without a status", async () => {
    await using batches = await startBatches(OPENAI, { file: recordedAnswer("openai/200-batch-output-file.json") });
    const request = batches.rows.get(`${MARKER}-0`);
    if (request === undefined) throw new Error("there is no such row");
    const rows = new Map(["request-1", "request-2", "chat-186"].map((id) => [id, request]));
    const texts = await collect(batches.api, rows);
    expect(texts.get("request-1")).toMatchObject({
      response: { text: "Hello! How can I assist you today?", finishReason: "stop", requestId: "req_XXXX" },
    });
    expect(texts.get("request-2")).toMatchObject({ response: { finishReason: "length", usage: { outputTokens: 10 } } });
    batches.answer({ file: recordedAnswer("openai/200-batch-error-file-status-0.json") });
    expect((await collect(batches.api, rows)).get("chat-186")).toMatchObject({
      ...{ is: "failed", error: { kind: "overloaded", message: "the vendor has not answered this row" } },
    });
  });

  it("are found while they run, by their mark alone", async () => {
    const list = json(OPENAI_BATCHES.page([batch({ state: "running", marker: MARKER, rows: 7 })], false));
    await using batches = await startBatches(OPENAI, { list });
    expect(await batches.find()).toBe("batch_1");
    expect(batches.server.calls).toHaveLength(1);
  });
});
