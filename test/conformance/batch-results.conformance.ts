import { describe, expect, it } from "vitest";
import type { BatchRowOutcome } from "../../src/providers/batch.ts";
import { recordedAnswer } from "../support/recorded-answers.ts";
import type { Answer } from "../support/recorded-server.ts";
import { callLive, failureOf, json, MARKER, startBatches, type BatchSubject } from "./batch-subject.ts";
import { MEANING } from "./meanings.ts";
import { KEY, never } from "./subject.ts";

const ROWS = [`${MARKER}-0`, `${MARKER}-1`, `${MARKER}-2`] as const;
const [FIRST, SECOND, THIRD] = ROWS;

/** What comes of the rows of a batch. */
export function batchResultsConformance(subject: BatchSubject): void {
  describe("results", () => {
    outcomes(subject);
    meanings(subject);
    brokenFiles(subject);
  });
}

function kindOf(outcome: BatchRowOutcome | undefined): string | undefined {
  return outcome?.is === "failed" ? outcome.error.kind : outcome?.is;
}

function outcomes(subject: BatchSubject): void {
  const { wire } = subject;
  const answer = (text: string) => ({ status: 200, body: wire.text(text).response.body });

  it("come in any order, and strangers are left out", async () => {
    const lines = [
      wire.line(THIRD, answer("The third.")),
      wire.line("pbffffffffffff-0", answer("A stranger.")),
      wire.line(FIRST, answer("The first.")),
      "",
    ];
    await using batches = await startBatches(subject, { file: json(`${lines.join("\n")}\r\n\n`) });
    const results = await batches.results();
    expect([...results.keys()]).toEqual([THIRD, FIRST]);
    expect(results.get(FIRST)).toMatchObject({
      is: "answered",
      response: { text: "The first.", finishReason: "stop" },
    });
  });

  it("tell rows that were not run from those that failed", async () => {
    const end = { status: 500, body: wire.error("an internal error") };
    const lines = [wire.line(FIRST, "expired"), wire.line(SECOND, "cancelled"), wire.line(THIRD, end)];
    await using batches = await startBatches(subject, { file: json(lines.join("\n")) });
    const results = await batches.results();
    expect(ROWS.map((row) => kindOf(results.get(row)))).toEqual(["expired", "cancelled", "overloaded"]);
  });

  it("are the same as of a live call: usage, model, and what was not sent as configured", async () => {
    const file = json(wire.line(FIRST, answer("The same.")));
    await using batches = await startBatches(subject, { file });
    const outcome = (await batches.results()).get(FIRST);
    const response = (await callLive(subject, batches.rows, "The same.")).get(FIRST)?.response;
    expect(response?.adjustedParams).not.toEqual([]);
    const { requestId } = outcome?.is === "answered" ? outcome.response : { requestId: null };
    expect(outcome).toEqual({ is: "answered", response: { ...response, requestId } });
    expect(requestId).not.toBe("");
  });
}

/** Their meaning hangs on headers, which rows have none of. */
const BY_HEADERS = ["anthropic/429-input-tokens-never-fits.json"];

function meanings(subject: BatchSubject): void {
  const { wire } = subject;

  it("take every recorded answer of the vendor for what it means live", async () => {
    await using batches = await startBatches(subject);
    const wrong: string[] = [];
    let count = 0;
    for (const [file, [kind]] of Object.entries(MEANING)) {
      const { status, body } = recordedAnswer(file).response;
      if (!file.startsWith(`${wire.folder}/`) || body === undefined || BY_HEADERS.includes(file)) continue;
      count++;
      batches.answer({ file: json(wire.line(SECOND, { status, body })) });
      const is = kindOf((await batches.results()).get(SECOND));
      if (is !== (kind === "text" ? "answered" : kind)) wrong.push(`${file}: ${is}`);
    }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(20);
  });

  it("of rows that failed hold neither the key nor the prompt", async () => {
    await using batches = await startBatches(subject);
    const prompt = batches.rows.get(FIRST)?.messages.at(-1)?.content ?? "";
    const body = wire.error(`Incorrect API key provided: ${KEY}. You wrote: ${prompt}`);
    batches.answer({ file: json(wire.line(FIRST, { status: 401, body })) });
    const outcome = (await batches.results()).get(FIRST);
    const message = outcome?.is === "failed" ? outcome.error.message : "";
    expect(message).toContain("[key]");
    expect(message).not.toContain(prompt);
  });
}

function brokenFiles(subject: BatchSubject): void {
  const { wire } = subject;
  const good = (row: string): string => wire.line(row, { status: 200, body: wire.text("A short text.").response.body });

  it("an answer of 5 MB is cut off, and only its row fails", async () => {
    const body = wire.text("x".repeat(5 * 1024 * 1024)).response.body;
    const lines = [good(FIRST), wire.line(SECOND, { status: 200, body }), good(THIRD)];
    await using batches = await startBatches(subject, { file: json(lines.join("\n")) });
    const results = await batches.results();
    expect(ROWS.map((row) => kindOf(results.get(row)))).toEqual(["answered", "invalid-response", "answered"]);
    expect(results.get(SECOND)).toMatchObject({
      error: { sent: "yes", message: "the answer is larger than 4 MiB and was cut off" },
    });
  });

  it("a row that cannot be read fails alone, and is not taken for one that was not run", async () => {
    const broken = good(SECOND).slice(0, -5);
    const odd = JSON.stringify({ id: "batch_req_9", custom_id: THIRD, result: { type: "paused" } });
    await using batches = await startBatches(subject, { file: json([good(FIRST), broken, odd].join("\n")) });
    const results = await batches.results();
    expect(ROWS.slice(0, 2).map((row) => kindOf(results.get(row)))).toEqual(["answered", "invalid-response"]);
    expect(results.get(SECOND)).toMatchObject({ error: { sent: "yes", message: "a row that cannot be read" } });
    expect(results.get(THIRD)).toMatchObject({ is: "failed", error: { sent: "yes" } });
  });

  it("a page in place of the file is no file without our rows", async () => {
    await using batches = await startBatches(subject, { file: json("<html>\n<h1>Welcome</h1>\n</html>\n") });
    expect(await failureOf(batches.results())).toMatchObject({
      ...{ kind: "invalid-response", message: "an answer that is no file of results" },
    });
    batches.answer({ file: json("") });
    expect(await batches.results()).toEqual(new Map());
  });

  it("what came before the connection broke counts", async () => {
    const file: Answer = (_, response) => {
      response.writeHead(200, { "content-length": "100000" });
      response.write(`${good(FIRST)}\n${good(SECOND).slice(0, 40)}`, () => response.socket?.resetAndDestroy());
    };
    await using batches = await startBatches(subject, { file });
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const [id] of batches.api.results("batch_1", batches.rows, never)) seen.push(id);
    };
    expect(await failureOf(read())).toMatchObject({ kind: "disconnected", sent: "unknown" });
    expect(seen).toEqual([FIRST]);
  });
}
