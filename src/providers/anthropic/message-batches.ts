import { z } from "zod";
import type { BatchApi, BatchProbe, BatchRowOutcome, BatchRowResult, BatchRows, BatchStatus } from "../batch.ts";
import type { ProviderConnection, ProviderContext } from "../definition.ts";
import { createBatchHttp, type BatchHttp } from "../http/batch-http.ts";
import { respondToRow } from "../http/http-provider.ts";
import { parseJson } from "../http/json.ts";
import { ProviderError } from "../provider-error.ts";
import type { GenerateRequest } from "../provider.ts";
import { ANTHROPIC_ID, API_VERSION, rootOf } from "./api.ts";
import { buildRequest } from "./build-request.ts";
import { readMessage } from "./read-message.ts";

/*
 * Anthropic's Message Batches: https://platform.claude.com/docs/en/build-with-claude/batch-processing (read 2026-11-26). The
 * requests are in the call itself; there is no field to tell a batch by but the ids of its rows.
 */

const PATH = "/v1/messages/batches";
/** 100,000 rows and 256 MB are allowed. */
const MOST_ROWS = 100_000;
const MOST_BYTES = 240_000_000;

const countsSchema = z.object({
  processing: z.number(),
  succeeded: z.number(),
  errored: z.number(),
  canceled: z.number(),
  expired: z.number(),
});
const batchSchema = z.object({
  id: z.string(),
  processing_status: z.string(),
  created_at: z.string().catch(""),
  expires_at: z.string().nullish().catch(null),
  request_counts: countsSchema.nullish().catch(null),
});
type Batch = z.output<typeof batchSchema>;

const listSchema = z.object({ data: z.array(batchSchema) });
const lineSchema = z.object({
  custom_id: z.string(),
  result: z.discriminatedUnion("type", [
    z.object({ type: z.literal("succeeded"), message: z.unknown() }),
    z.object({ type: z.literal("errored"), error: z.unknown() }),
    z.object({ type: z.literal("canceled") }),
    z.object({ type: z.literal("expired") }),
  ]),
});
type Line = z.output<typeof lineSchema>;

interface Vendor {
  readonly http: BatchHttp;
  readonly secrets: readonly string[];
  readonly family: ProviderContext["catalogue"]["family"];
  readonly now: () => number;
}

export function createMessageBatches(
  connection: ProviderConnection,
  { transport, catalogue, now = Date.now }: ProviderContext,
): BatchApi {
  const secrets = [connection.apiKey ?? ""];
  const http = createBatchHttp({
    id: ANTHROPIC_ID,
    baseUrl: rootOf(connection),
    headers: { "x-api-key": connection.apiKey ?? "", "anthropic-version": API_VERSION },
    ...{ secrets, dispatcher: transport.dispatcher, now },
  });
  const vendor: Vendor = { http, secrets, family: (...model) => catalogue.family(...model), now };
  return {
    ...{ maxRows: MOST_ROWS, maxBytes: MOST_BYTES, priceFactor: 0.5 },
    async submit(rows, _marker, signal) {
      const requests = [...rows].map(([customId, request]) => {
        const family = vendor.family(ANTHROPIC_ID, request.model);
        return { custom_id: customId, params: buildRequest(unstreamed(request), family).body };
      });
      return parsed(batchSchema, await http.post(PATH, { requests }, signal)).id;
    },
    find: async (probe, signal) => await find(vendor, probe, signal),
    status: async (batchId, signal) => statusOf(parsed(batchSchema, await http.get(place(batchId), signal))),
    results: (batchId, rows, signal) => results(vendor, { batchId, rows }, signal),
    async cancel(batchId, signal) {
      await http.post(`${place(batchId)}/cancel`, null, signal);
    },
  };
}

function place(batchId: string): string {
  return `${PATH}/${encodeURIComponent(batchId)}`;
}

function unstreamed(request: GenerateRequest): GenerateRequest {
  return { ...request, parameters: { ...request.parameters, stream: false } };
}

/** Clocks differ a little. */
const CLOCK_MARGIN_MS = 60_000;

/** A batch tells whose it is only by its results: while one that could be ours is running, nobody can tell. */
async function find({ http }: Vendor, probe: BatchProbe, signal: AbortSignal): Promise<string | null> {
  const { data } = parsed(listSchema, await http.get(`${PATH}?limit=100`, signal));
  const candidates = data.filter(
    (batch) =>
      !probe.known.has(batch.id) &&
      Date.parse(batch.created_at) >= probe.submittedAfter - CLOCK_MARGIN_MS &&
      totalOf(batch) === probe.rows,
  );
  for (const { id } of candidates.filter(({ processing_status: status }) => status === "ended")) {
    for await (const line of http.lines(`${place(id)}/results`, signal)) {
      const row = line === null ? undefined : lineSchema.safeParse(parseJson(line)).data;
      if (row?.custom_id.startsWith(`${probe.marker}-`) === true) return id;
      break;
    }
  }
  const running = candidates.find(({ processing_status: status }) => status !== "ended");
  if (running === undefined) return null;
  throw new ProviderError(`whether batch ${running.id} is ours can be told when it has ended`, {
    ...{ kind: "overloaded", provider: ANTHROPIC_ID, sent: "yes" },
  });
}

function totalOf({ request_counts: counts }: Batch): number {
  return counts ? counts.processing + doneOf(counts) : 0;
}

function doneOf({ succeeded, errored, canceled, expired }: z.output<typeof countsSchema>): number {
  return succeeded + errored + canceled + expired;
}

function statusOf(batch: Batch): BatchStatus {
  const expiresAt = batch.expires_at ? Date.parse(batch.expires_at) : Number.NaN;
  return {
    state: batch.processing_status === "ended" ? "ended" : "running",
    expiresAt: Number.isNaN(expiresAt) ? null : expiresAt,
    done: batch.request_counts ? doneOf(batch.request_counts) : 0,
    total: totalOf(batch),
    message: null,
  };
}

/** Not from `results_url`: the key goes to no other place than the configured one. */
async function* results(
  vendor: Vendor,
  { batchId, rows }: { readonly batchId: string; readonly rows: BatchRows },
  signal: AbortSignal,
): AsyncGenerator<BatchRowResult> {
  for await (const line of vendor.http.lines(`${place(batchId)}/results`, signal)) {
    const row = line === null ? undefined : lineSchema.safeParse(parseJson(line)).data;
    const request = row === undefined ? undefined : rows.get(row.custom_id);
    if (row !== undefined && request !== undefined) yield [row.custom_id, outcomeOf(row.result, request, vendor)];
  }
}

/** What the error types of rows would have as status, were they answers by themselves. */
const STATUS: Readonly<Record<string, number>> = {
  ...{ invalid_request_error: 400, authentication_error: 401, billing_error: 402, permission_error: 403 },
  ...{ not_found_error: 404, request_too_large: 413, rate_limit_error: 429, api_error: 500, overloaded_error: 529 },
};

function outcomeOf(result: Line["result"], request: GenerateRequest, { secrets, now }: Vendor): BatchRowOutcome {
  switch (result.type) {
    case "expired":
      return { is: "expired" };
    case "canceled":
      return { is: "cancelled" };
    case "succeeded":
    case "errored": {
      const body = result.type === "succeeded" ? result.message : result.error;
      const status = result.type === "succeeded" ? 200 : (STATUS[typeOf(body)] ?? 500);
      const answer = { status, headers: {}, text: JSON.stringify(body), isStream: false };
      const dialect = { id: ANTHROPIC_ID, secrets, read: readMessage };
      try {
        return { is: "answered", response: respondToRow(dialect, request, { answer, adjustedParams: [], now }) };
      } catch (thrown) {
        if (!(thrown instanceof ProviderError)) throw thrown;
        return { is: "failed", error: thrown };
      }
    }
  }
}

/** `{type: "error", error: {type, message}}` */
function typeOf(body: unknown): string {
  const read = z.object({ error: z.object({ type: z.string() }) }).safeParse(body);
  return read.data?.error.type ?? "";
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new ProviderError("an answer that is no batch", {
    kind: "invalid-response",
    provider: ANTHROPIC_ID,
    sent: "yes",
  });
}
