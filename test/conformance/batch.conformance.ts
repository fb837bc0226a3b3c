import { describe, expect, it } from "vitest";
import { hang, huge, notHttp, reset, resetInBody } from "../support/misbehaving-answers.ts";
import type { Answer } from "../support/recorded-server.ts";
import { batchResultsConformance } from "./batch-results.conformance.ts";
import {
  callLive,
  CALL_OF,
  failureOf,
  json,
  MARKER,
  operate,
  OPERATIONS,
  startBatches,
  type BatchSubject,
} from "./batch-subject.ts";
import { KEY, never } from "./subject.ts";

/** What every batch API over HTTP has to do. */
export function batchConformance(subject: BatchSubject): void {
  describe(`${subject.id} as a batch API`, () => {
    submits(subject);
    looks(subject);
    finds(subject);
    cancels(subject);
    fails(subject);
    batchResultsConformance(subject);
  });
}

function submits(subject: BatchSubject): void {
  const { wire } = subject;

  it("sends of every row what a live call sends, but streams nothing", async () => {
    await using batches = await startBatches(subject);
    expect(await batches.api.submit(batches.rows, MARKER, never)).toBe("batch_1");
    const sent = batches.server.calls.map((call) => wire.rowsOf(call)).find((rows) => rows !== null);
    expect([...(sent?.keys() ?? [])]).toEqual([...batches.rows.keys()]);

    const live = await callLive(subject, batches.rows, "Hello.");
    for (const id of batches.rows.keys()) expect(live.get(id)?.body, id).toEqual(sent?.get(id));
  });

  it("sends the key in its header and nowhere else, in every call", async () => {
    const file = json(wire.line(`${MARKER}-0`, "expired"));
    await using batches = await startBatches(subject, { file });
    for (const operation of OPERATIONS) await operate(batches, operation);
    const { name, value } = wire.keyHeader;
    expect(batches.server.calls.length).toBeGreaterThanOrEqual(OPERATIONS.length);
    for (const { url, bodyText, headers } of batches.server.calls) {
      expect(headers[name]).toBe(value(KEY));
      expect(JSON.stringify([url, bodyText, { ...headers, [name]: "" }])).not.toContain(KEY);
    }
  });

  it("says how much one batch takes, and at what price", async () => {
    await using batches = await startBatches(subject);
    expect(batches.api.priceFactor).toBe(0.5);
    expect(batches.api.maxRows).toBeGreaterThanOrEqual(50_000);
    expect(batches.api.maxBytes).toBeLessThanOrEqual(256_000_000);
  });
}

function looks({ wire, ...subject }: BatchSubject): void {
  it("tells what a batch is at", async () => {
    const createdAt = Date.UTC(2026, 10, 26);
    await using batches = await startBatches({ ...subject, wire });
    batches.answer({ look: json(wire.batch({ state: "running", createdAt })) });
    const running = await batches.api.status("batch_1", never);
    expect(running).toMatchObject({ state: "running", total: 3, message: null, expiresAt: createdAt + 86_400_000 });
    expect(running.done).toBeLessThan(3);
    batches.answer({ look: json(wire.batch({ state: "over", createdAt })) });
    expect(await batches.api.status("batch_1", never)).toMatchObject({ state: "ended", done: 3, total: 3 });
  });
}

function finds(subject: BatchSubject): void {
  const { wire } = subject;
  const ours = wire.line(`${MARKER}-2`, "expired");
  const others = wire.line("pbffffffffffff-2", "expired");

  it("finds the batch that nobody noted", async () => {
    const list = json(wire.page([wire.batch({ id: "other", rows: 7 }), wire.batch({ marker: MARKER })], false));
    await using batches = await startBatches(subject, { list, file: json(ours) });
    expect(await batches.find()).toBe("batch_1");
  });

  it("finds it on a later page", async () => {
    const first = Array.from({ length: 100 }, (_, index) => wire.batch({ id: `other_${index}`, rows: 7 }));
    const list: Answer = ({ url }) =>
      json(url.includes("other_99") ? wire.page([wire.batch({ marker: MARKER })], false) : wire.page(first, true));
    await using batches = await startBatches(subject, { list, file: json(ours) });
    expect(await batches.find()).toBe("batch_1");
  });

  it("takes none that is somebody else's, that is known, or that is older", async () => {
    await using batches = await startBatches(subject, { file: json(others) });
    expect(await batches.find()).toBe(null);
    batches.answer({ list: json(wire.page([wire.batch({ id: "theirs" })], false)) });
    expect(await batches.find()).toBe(null);
    const old = wire.batch({ id: "old", createdAt: Date.now() - 3_600_000 });
    batches.answer({ list: json(wire.page([old], true)) });
    expect(await batches.find()).toBe(null);
    batches.answer({ list: json(wire.page([wire.batch({ id: "taken" })], false)), file: json(ours) });
    expect(await batches.find({ known: new Set(["taken"]) })).toBe(null);
  });

  it("never says that there is none when there are more batches than it looks at", async () => {
    const list: Answer = ({ index }) => json(wire.page([wire.batch({ id: `other_${index}`, rows: 7 })], true));
    await using batches = await startBatches(subject, { list });
    expect(await failureOf(batches.find())).toMatchObject({ kind: "overloaded", status: null });
  });
}

function cancels(subject: BatchSubject): void {
  const { wire } = subject;
  const refused = json(wire.error("it cannot be cancelled"), 400);

  it("cancels, and does not mind when the batch is over already", async () => {
    await using batches = await startBatches(subject);
    await batches.api.cancel("batch_1", never);
    expect(batches.server.calls.map((call) => wire.callOf(call))).toEqual(["cancel"]);
    batches.answer({ cancel: refused });
    await expect(batches.api.cancel("batch_1", never)).resolves.toBe(undefined);
  });

  it("says so when a batch that runs is not cancelled", async () => {
    const look = json(wire.batch({ state: "running" }));
    await using batches = await startBatches(subject, { cancel: refused, look });
    const failure = await failureOf(batches.api.cancel("batch_1", never));
    expect(failure).toMatchObject({ kind: "invalid-request", message: "HTTP 400: it cannot be cancelled" });
  });
}

const HTML: Answer = { response: { status: 502, headers: { "content-type": "text/html" }, bodyText: "<h1>Bad</h1>" } };

function fails(subject: BatchSubject): void {
  const { wire, id } = subject;
  const limited = json(wire.error("slow down"), 429);
  const retryLater = { response: { ...limited.response, headers: { "retry-after": "7" } } };
  const redirect = { response: { status: 307, headers: { location: "http://127.0.0.1:1/" }, bodyText: "" } };

  it.each(OPERATIONS)("%s says what went wrong, once and without the key", async (operation) => {
    const call = CALL_OF[operation];
    // To cancel what is not running is no failure.
    const look = json(wire.batch({ state: operation === "cancel" ? "running" : "over" }));
    await using batches = await startBatches(subject, { look });
    const failure = async (answer: Answer): Promise<unknown> => {
      batches.answer({ [call]: answer });
      const made = (): number => batches.server.calls.filter((seen) => wire.callOf(seen) === call).length;
      const before = made();
      const error = await failureOf(operate(batches, operation));
      expect(made() - before).toBe(1);
      expect(error.provider).toBe(id);
      return error;
    };
    const wrongKey = json(wire.error(`Incorrect API key provided: ${KEY}.`), 401);
    expect(await failure(wrongKey)).toMatchObject({
      ...{ kind: "authentication", status: 401, sent: "yes" },
      message: "HTTP 401: Incorrect API key provided: [key].",
    });
    expect(await failure(retryLater)).toMatchObject({ kind: "rate-limited", retryAfterMs: 7000 });
    expect(await failure(HTML)).toMatchObject({ kind: "overloaded", status: 502 });
    expect(await failure(redirect)).toMatchObject({
      ...{ kind: "invalid-response", status: 307 },
      message: "HTTP 307: a redirect, which is not followed",
    });
    expect(await failure(reset)).toMatchObject({ kind: "disconnected", sent: "unknown" });
    expect(await failure(resetInBody)).toMatchObject({ kind: "disconnected", sent: "unknown" });
    expect(await failure(notHttp)).toMatchObject({ kind: "disconnected", sent: "unknown" });
    if (operation !== "cancel") {
      expect(await failure(json("<h1>Hello</h1>"))).toMatchObject({ kind: "invalid-response", sent: "yes" });
    }
    if (operation !== "results" && operation !== "cancel") {
      expect(await failure(huge({ announced: false }))).toMatchObject({
        ...{ kind: "invalid-response", message: "the answer is larger than 4 MiB and was cut off" },
      });
    }
  });

  it.each(OPERATIONS)("%s stops when it is told to", async (operation) => {
    await using batches = await startBatches(subject);
    const before = await failureOf(operate(batches, operation, AbortSignal.abort()));
    expect(before).toMatchObject({ kind: "aborted", sent: "no" });
    expect(batches.server.calls).toHaveLength(0);

    const controller = new AbortController();
    batches.answer({ [CALL_OF[operation]]: hang });
    const during = failureOf(operate(batches, operation, controller.signal));
    const last = operation === "submit" || operation === "results" ? callsBefore(subject) + 1 : 1;
    await batches.server.seen(last);
    controller.abort();
    expect(await during).toMatchObject({ kind: "aborted", sent: "unknown" });
  });

  it.each(OPERATIONS)("%s proves that nothing was sent when there is no server", async (operation) => {
    await using batches = await startBatches(subject);
    await batches.server.close();
    expect(await failureOf(operate(batches, operation))).toMatchObject({
      ...{ kind: "network", sent: "no", message: "no connection (ECONNREFUSED)" },
    });
  });
}

/** OpenAI's rows and results are files of their own. */
function callsBefore({ id }: BatchSubject): number {
  return id === "anthropic" ? 0 : 1;
}
