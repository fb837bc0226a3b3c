import { z } from "zod";
import type { BatchApi, BatchProbe, BatchRowOutcome, BatchRowResult, BatchRows, BatchStatus } from "../batch.ts";
import { createBatchHttp, type BatchHttp } from "../http/batch-http.ts";
import {
  answeredRow,
  cancelUnlessOver,
  cannotBeTold,
  noBatch,
  readRows,
  unstreamed,
  type RowDialect,
} from "../http/batch-rows.ts";
import type { HttpContext } from "../http/http-provider.ts";
import { redact } from "../http/redact.ts";
import { ProviderError } from "../provider-error.ts";
import type { GenerateRequest, ProviderId } from "../provider.ts";
import { buildRequest } from "./build-request.ts";
import type { ChatCompletionsVendor } from "./chat-completions.ts";
import { readCompletion } from "./read-completion.ts";

/*
 * OpenAI's Batch API: https://developers.openai.com/api/docs/guides/batch (read 2026-11-26). A file of requests is uploaded,
 * and a batch made of it; the answers come in a file of their own, those of rows that failed in another.
 */

const PATH = "/batches";
/** 50,000 rows and 200 MB are allowed. */
const MOST_ROWS = 50_000;
const MOST_BYTES = 190_000_000;
const LISTED = 100;
/** Batches that nobody has taken up are found among so many of the last. */
const MOST_PAGES = 10;

const optionalText = z.string().nullish().catch(null);
const batchSchema = z.object({
  id: z.string(),
  status: z.string(),
  // When that is not said it may be ours.
  created_at: z.number().catch(Infinity),
  expires_at: z.number().nullish().catch(null),
  output_file_id: optionalText,
  error_file_id: optionalText,
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }).nullish().catch(null),
  metadata: z.record(z.string(), z.string()).nullish().catch(null),
  errors: z
    .object({ data: z.array(z.object({ code: optionalText, message: optionalText })).catch([]) })
    .nullish()
    .catch(null),
});
type Batch = z.output<typeof batchSchema>;

const listSchema = z.object({ data: z.array(batchSchema), has_more: z.boolean().catch(false) });
const fileSchema = z.object({ id: z.string() });
const lineSchema = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.number(), request_id: optionalText, body: z.unknown() }).nullish().catch(null),
  error: z.object({ code: optionalText, message: optionalText }).nullish().catch(null),
});

interface Vendor {
  readonly id: ProviderId;
  readonly http: BatchHttp;
  readonly dialect: RowDialect;
  readonly family: ChatCompletionsVendor["family"];
  readonly now: () => number;
}

export function createBatches(vendor: ChatCompletionsVendor, { transport, now = Date.now }: HttpContext): BatchApi {
  const { id, apiKey, organization, baseUrl, headers } = vendor;
  const sent = {
    ...headers,
    ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
    ...(organization === undefined ? {} : { "openai-organization": organization }),
  };
  const http = createBatchHttp({ id, baseUrl, headers: sent, dispatcher: transport.dispatcher, now });
  const read: RowDialect["read"] = (body) => readCompletion(body, vendor.reasoningTokens);
  const own: Vendor = { id, http, dialect: { id, read }, family: vendor.family, now };
  return {
    ...{ maxRows: MOST_ROWS, maxBytes: MOST_BYTES, priceFactor: 0.5 },
    submit: async (rows, marker, signal) => await submit(own, { rows, marker }, signal),
    find: async (probe, signal) => await find(own, probe, signal),
    status: async (batchId, signal) => statusOf(await readBatch(own, batchId, signal)),
    results: (batchId, rows, signal) => results(own, { batchId, rows }, signal),
    async cancel(batchId, signal) {
      await cancelUnlessOver(
        async () => await http.post(`${PATH}/${encodeURIComponent(batchId)}/cancel`, null, signal),
        async () => CANCELLABLE.has((await readBatch(own, batchId, signal)).status),
      );
    },
  };
}

async function submit(
  { id, http, family }: Vendor,
  { rows, marker }: { readonly rows: BatchRows; readonly marker: string },
  signal: AbortSignal,
): Promise<string> {
  const lines = [...rows].map(([customId, request]) => {
    const { body } = buildRequest(unstreamed(request), family(request.model));
    return `${JSON.stringify({ custom_id: customId, method: "POST", url: "/v1/chat/completions", body })}\n`;
  });
  const form = formOf({ purpose: "batch" }, { name: `${marker}.jsonl`, content: lines.join("") });
  const file = parsed(fileSchema, await http.post("/files", form, signal), id);
  const request = {
    ...{ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" },
    metadata: { puppet_engine_batch: marker },
  };
  return parsed(batchSchema, await http.post(PATH, request, signal), id).id;
}

const BOUNDARY = "puppet-engine-batch-7d0f3c5e9a1b";

/** `multipart/form-data`; no line of a batch has the boundary in it by chance. */
function formOf(
  fields: Readonly<Record<string, string>>,
  file: { readonly name: string; readonly content: string },
): Blob {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: application/jsonl\r\n\r\n`;
  return new Blob([...parts, head, file.content, `\r\n--${BOUNDARY}--\r\n`], {
    type: `multipart/form-data; boundary=${BOUNDARY}`,
  });
}

async function find({ id, http }: Vendor, probe: BatchProbe, signal: AbortSignal): Promise<string | null> {
  let after = "";
  for (let page = 0; page < MOST_PAGES; page++) {
    const { data, has_more: hasMore } = parsed(
      listSchema,
      await http.get(`${PATH}?limit=${LISTED}${after}`, signal),
      id,
    );
    const found = data.find(({ metadata }) => metadata?.["puppet_engine_batch"] === probe.marker);
    if (found !== undefined) return found.id;
    const last = data.at(-1);
    // The newest come first.
    if (!hasMore || last === undefined || last.created_at * 1000 < probe.submittedAfter - 60_000) return null;
    after = `&after=${encodeURIComponent(last.id)}`;
  }
  throw cannotBeTold(id, `batch ${probe.marker} is not among the last ${MOST_PAGES * LISTED}, and there are more`);
}

async function readBatch({ id, http }: Vendor, batchId: string, signal: AbortSignal): Promise<Batch> {
  return parsed(batchSchema, await http.get(`${PATH}/${encodeURIComponent(batchId)}`, signal), id);
}

const CANCELLABLE: ReadonlySet<string> = new Set(["validating", "in_progress"]);
const ENDED: ReadonlySet<string> = new Set(["completed", "expired", "cancelled"]);

function statusOf({ status, expires_at: expiresAt, request_counts: counts, errors }: Batch): BatchStatus {
  return {
    state: status === "failed" ? "failed" : ENDED.has(status) ? "ended" : "running",
    expiresAt: typeof expiresAt === "number" ? expiresAt * 1000 : null,
    done: (counts?.completed ?? 0) + (counts?.failed ?? 0),
    total: counts?.total ?? 0,
    message: errors?.data.map(({ code, message }) => message ?? code).join("; ") || null,
  };
}

async function* results(
  vendor: Vendor,
  { batchId, rows }: { readonly batchId: string; readonly rows: BatchRows },
  signal: AbortSignal,
): AsyncGenerator<BatchRowResult> {
  const { output_file_id: output, error_file_id: errors } = await readBatch(vendor, batchId, signal);
  for (const file of [output, errors]) {
    if (!file) continue;
    yield* readRows(vendor.http.lines(`/files/${encodeURIComponent(file)}/content`, signal), rows, {
      id: vendor.id,
      outcomeOf: (line, request) => outcomeOf(line, request, vendor),
    });
  }
}

function outcomeOf(line: unknown, request: GenerateRequest, vendor: Vendor): BatchRowOutcome | null {
  const row = lineSchema.safeParse(line).data;
  if (row === undefined) return null;
  const { response, error } = row;
  if (error?.code === "batch_expired") return { is: "expired" };
  if (error?.code === "batch_cancelled") return { is: "cancelled" };
  // Rows that failed for reasons of OpenAI's own have status 0 and an empty body: tidyverse/ellmer#830.
  if (!response || response.status_code < 100) {
    const message = error?.message ?? error?.code ?? "the vendor has not answered this row";
    const { id } = vendor.dialect;
    const facts = { kind: "overloaded", provider: id, sent: "yes" } as const;
    return { is: "failed", error: new ProviderError(redact(message, request.messages), facts) };
  }
  const { status_code: status, request_id: requestId, body } = response;
  const { adjustedParams } = buildRequest(unstreamed(request), vendor.family(request.model));
  return answeredRow(vendor.dialect, request, {
    ...{ status, body, adjustedParams, now: vendor.now },
    requestId: requestId || null,
  });
}

function parsed<T>(schema: z.ZodType<T>, body: unknown, provider: ProviderId): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw noBatch(provider);
}
