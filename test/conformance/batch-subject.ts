import { inspect } from "node:util";
import { expect } from "vitest";
import type { BatchApi, BatchProbe, BatchRowOutcome, BatchRows } from "../../src/providers/batch.ts";
import { ProviderError } from "../../src/providers/provider-error.ts";
import type { GenerateRequest, GenerateResponse, ProviderId } from "../../src/providers/provider.ts";
import { createProviders, type RegisteredTarget } from "../../src/providers/registry.ts";
import { generateRequest } from "../support/generate-request.ts";
import type { RecordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../support/recorded-server.ts";
import type { BatchCall, BatchWire } from "./batch-wire.ts";
import { KEY, never } from "./subject.ts";

/** One batch API under the suite that all of them have to pass. */
export interface BatchSubject {
  readonly id: ProviderId;
  readonly model: string;
  readonly wire: BatchWire;
}

export const MARKER = "pb0123456789ab";

export interface StartedBatches extends AsyncDisposable {
  readonly server: RecordedServer;
  readonly target: RegisteredTarget;
  readonly api: BatchApi;
  readonly rows: BatchRows;
  /** Says what the server answers from now on; the rest stays. */
  answer(answers: Answers): void;
  results(): Promise<Map<string, BatchRowOutcome>>;
  find(changes?: Partial<BatchProbe>): Promise<string | null>;
}

export type Answers = Partial<Record<BatchCall, Answer>>;

/** With three rows; the server answers as if all goes well. */
export async function startBatches(subject: BatchSubject, answers: Answers = {}): Promise<StartedBatches> {
  const { wire, id, model } = subject;
  const known: Record<BatchCall, Answer> = {
    upload: json({ id: "file-in", object: "file", purpose: "batch" }),
    submit: json(wire.batch({ state: "running" })),
    list: json(wire.page([], false)),
    look: json(wire.batch()),
    file: json(""),
    cancel: json(wire.batch({ state: "running" })),
  };
  Object.assign(known, answers);
  const server = await startRecordedServer((call, response) => {
    const answer = known[wire.callOf(call)];
    return typeof answer === "function" ? answer(call, response) : answer;
  });
  const { origin } = new URL(server.baseUrl);
  const registry = createProviders({ [id]: { baseUrl: wire.baseUrl(origin), apiKeys: [KEY] } });
  const target = registry.get(id)?.targets(model)[0];
  if (!target?.batch) throw new Error(`${id} has no batch API`);
  const api = target.batch;
  const rows: BatchRows = new Map([0, 1, 2].map((row) => [`${MARKER}-${row}`, rowRequest(model, row)]));
  const probe = { marker: MARKER, submittedAfter: Date.now() - 1000, rows: rows.size, known: new Set<string>() };
  return {
    ...{ server, target, api, rows },
    answer: (next) => void Object.assign(known, next),
    results: async () => await collect(api, rows),
    find: async (changes = {}) => await api.find({ ...probe, ...changes }, never),
    async [Symbol.asyncDispose]() {
      await server.close();
      await registry.close();
    },
  };
}

function rowRequest(model: string, row: number): GenerateRequest {
  const messages = [
    { role: "system", content: "You are a lighthouse keeper who writes short posts." },
    { role: "user", content: `Write a tweet about wave number ${row}.` },
  ] as const;
  return generateRequest({ model, messages, attemptId: `j_${row}.1`, parameters: { stream: true } });
}

/** The same requests, one by one and whole: what is sent, and what comes of the answer. */
export async function callLive(
  { id, model, wire }: BatchSubject,
  rows: BatchRows,
  text: string,
): Promise<Map<string, { readonly body: unknown; readonly response: GenerateResponse }>> {
  await using server = await startRecordedServer(wire.text(text));
  const baseUrl = wire.baseUrl(new URL(server.baseUrl).origin);
  const registry = createProviders({ [id]: { baseUrl, apiKeys: [KEY] } });
  const target = registry.get(id)?.targets(model)[0];
  if (target === undefined) throw new Error(`${id} is not registered`);
  const lived = new Map<string, { readonly body: unknown; readonly response: GenerateResponse }>();
  for (const [row, request] of rows) {
    const whole = { ...request, parameters: { ...request.parameters, stream: false } };
    const response = await target.provider.generate(whole, never);
    lived.set(row, { body: server.calls.at(-1)?.body, response });
  }
  await registry.close();
  return lived;
}

export async function collect(api: BatchApi, rows: BatchRows): Promise<Map<string, BatchRowOutcome>> {
  const outcomes = new Map<string, BatchRowOutcome>();
  for await (const [id, outcome] of api.results("batch_1", rows, never)) {
    expect(outcomes.has(id), `${id} twice`).toBe(false);
    if (outcome.is === "failed") expectNoSecret(outcome.error);
    outcomes.set(id, outcome);
  }
  return outcomes;
}

/** Every operation, on a batch that may be there or not. */
export const OPERATIONS = ["submit", "find", "status", "results", "cancel"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Which call of the server's an operation is refused by. */
export const CALL_OF: Readonly<Record<Operation, BatchCall>> = {
  ...{ submit: "submit", find: "list", status: "look", results: "file", cancel: "cancel" },
};

export async function operate(it: StartedBatches, operation: Operation, signal: AbortSignal = never): Promise<unknown> {
  switch (operation) {
    case "submit":
      return await it.api.submit(it.rows, MARKER, signal);
    case "find":
      return await it.api.find({ marker: MARKER, submittedAfter: 0, rows: 3, known: new Set() }, signal);
    case "status":
      return await it.api.status("batch_1", signal);
    case "results":
      for await (const _ of it.api.results("batch_1", it.rows, signal));
      return undefined;
    case "cancel":
      return await it.api.cancel("batch_1", signal);
  }
}

/** What an operation fails with: the only error that is allowed, and no secret in it. */
export async function failureOf(work: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await work.then(
    (value: unknown) => `not an error, but ${inspect(value)}`,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  const failure = error as ProviderError;
  expectNoSecret(failure);
  return failure;
}

function expectNoSecret(failure: ProviderError): void {
  expect(inspect(failure, { depth: null, showHidden: true }) + failure.stack).not.toContain(KEY);
}

export function json(body: unknown, status = 200): RecordedAnswer {
  const headers = { "content-type": "application/json" };
  return typeof body === "string"
    ? { response: { status, headers, bodyText: body } }
    : { response: { status, headers, body } };
}
