import { z } from "zod";
import type { BatchApi, BatchProbe, BatchRowOutcome, BatchRowResult, BatchRows, BatchStatus } from "../batch.ts";
import type { ProviderConnection, ProviderContext } from "../definition.ts";
import { createBatchHttp, type BatchHttp } from "../http/batch-http.ts";
import {
  answeredRow,
  cancelUnlessOver,
  cannotBeTold,
  customIdOf,
  noBatch,
  readRows,
  unstreamed,
} from "../http/batch-rows.ts";
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

const listSchema = z.object({
  data: z.array(batchSchema),
  has_more: z.boolean().catch(false),
  last_id: z.string().nullish().catch(null),
});
const lineSchema = z.object({
  custom_id: z.string(),
  result: z.discriminatedUnion("type", [
    z.object({ type: z.literal("succeeded"), message: z.unknown() }),
    z.object({ type: z.literal("errored"), error: z.unknown() }),
    z.object({ type: z.literal("canceled") }),
    z.object({ type: z.literal("expired") }),
  ]),
});

interface Vendor {
  readonly http: BatchHttp;
  readonly family: ProviderContext["catalogue"]["family"];
  readonly now: () => number;
}

export function createMessageBatches(
  connection: ProviderConnection,
  { transport, catalogue, now = Date.now }: ProviderContext,
): BatchApi {
  const http = createBatchHttp({
    id: ANTHROPIC_ID,
    baseUrl: rootOf(connection),
    headers: { "x-api-key": connection.apiKey ?? "", "anthropic-version": API_VERSION },
    ...{ dispatcher: transport.dispatcher, now },
  });
  const vendor: Vendor = { http, family: (...model) => catalogue.family(...model), now };
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
      await cancelUnlessOver(
        async () => await http.post(`${place(batchId)}/cancel`, null, signal),
        async () => parsed(batchSchema, await http.get(place(batchId), signal)).processing_status === "in_progress",
      );
    },
  };
}

function place(batchId: string): string {
  return `${PATH}/${encodeURIComponent(batchId)}`;
}

/** Clocks differ a little. */
const CLOCK_MARGIN_MS = 60_000;
const LISTED = 100;
/** Batches that nobody has taken up are found among so many of the last. */
const MOST_PAGES = 10;

/**
 * A batch tells whose it is only by its results. While one that could be ours is running nobody can tell, and when its
 * results say nothing nobody ever can: it is neither taken up nor sent again then.
 */
async function find({ http }: Vendor, probe: BatchProbe, signal: AbortSignal): Promise<string | null> {
  const candidates = await candidatesOf(http, probe, signal);
  let unsure: string | undefined;
  for (const batch of candidates) {
    const isOurs = batch.processing_status === "ended" ? await hasRowsOf(http, { batch, probe }, signal) : null;
    if (isOurs === true) return batch.id;
    if (isOurs === null) unsure ??= batch.id;
  }
  if (unsure === undefined) return null;
  throw cannotBeTold(ANTHROPIC_ID, `whether batch ${unsure} is ours can be told when its results are there`);
}

/** Those that could be the one that is looked for; what a batch does not say of itself speaks for it. */
async function candidatesOf(http: BatchHttp, probe: BatchProbe, signal: AbortSignal): Promise<readonly Batch[]> {
  const recent: Batch[] = [];
  const isOld = ({ created_at: at }: Batch): boolean => Date.parse(at) < probe.submittedAfter - CLOCK_MARGIN_MS;
  let after = "";
  for (let page = 0; page < MOST_PAGES; page++) {
    const list = parsed(listSchema, await http.get(`${PATH}?limit=${LISTED}${after}`, signal));
    recent.push(...list.data.filter((batch) => !isOld(batch) && !probe.known.has(batch.id)));
    const last = list.data.at(-1);
    // The newest come first.
    if (!list.has_more || last === undefined || isOld(last)) {
      return recent.filter((batch) => !batch.request_counts || totalOf(batch) === probe.rows);
    }
    after = `&after_id=${encodeURIComponent(list.last_id ?? last.id)}`;
  }
  throw cannotBeTold(ANTHROPIC_ID, `whether there is a batch ${probe.marker}: there are too many newer ones`);
}

/** One row tells. `null`: there is none that says whose it is. */
async function hasRowsOf(
  http: BatchHttp,
  { batch, probe }: { readonly batch: Batch; readonly probe: BatchProbe },
  signal: AbortSignal,
): Promise<boolean | null> {
  for await (const line of http.lines(`${place(batch.id)}/results`, signal)) {
    const customId = customIdOf(line);
    if (customId !== null) return customId.startsWith(`${probe.marker}-`);
  }
  return null;
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
  const lines = vendor.http.lines(`${place(batchId)}/results`, signal);
  yield* readRows(lines, rows, { id: ANTHROPIC_ID, outcomeOf: (line, request) => outcomeOf(line, request, vendor) });
}

/** What the error types of rows would have as status, were they answers by themselves. */
const STATUS: Readonly<Record<string, number>> = {
  ...{ invalid_request_error: 400, authentication_error: 401, billing_error: 402, permission_error: 403 },
  ...{ not_found_error: 404, request_too_large: 413, rate_limit_error: 429, api_error: 500, overloaded_error: 529 },
};

function outcomeOf(line: unknown, request: GenerateRequest, vendor: Vendor): BatchRowOutcome | null {
  const result = lineSchema.safeParse(line).data?.result;
  switch (result?.type) {
    case undefined:
      return null;
    case "expired":
      return { is: "expired" };
    case "canceled":
      return { is: "cancelled" };
    case "succeeded":
    case "errored": {
      const body = result.type === "succeeded" ? result.message : result.error;
      const status = result.type === "succeeded" ? 200 : (STATUS[typeOf(body)] ?? 500);
      const dialect = { id: ANTHROPIC_ID, read: readMessage };
      const { adjustedParams } = buildRequest(unstreamed(request), vendor.family(ANTHROPIC_ID, request.model));
      return answeredRow(dialect, request, { status, body, requestId: null, adjustedParams, now: vendor.now });
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
  throw noBatch(ANTHROPIC_ID);
}
