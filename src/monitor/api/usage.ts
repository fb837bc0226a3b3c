import { z } from "zod";
import { formatCsv, type CsvCell } from "../../platform/csv.ts";
import { oneOf } from "../../platform/one-of.ts";
import { strictObject } from "../../platform/zod-faults.ts";
import {
  readUsage,
  USAGE_DIMENSIONS,
  type FeedbackMean,
  type UsageDimension,
  type UsageRow,
} from "../../storage/usage-report.ts";
import type { ApiParts, ApiScope } from "./api-scope.ts";
import { queryInteger, share, type ShapeOf } from "./common-schemas.ts";
import { answer, errors, VIEWERS } from "./route-schemas.ts";

const TAGS = ["usage"];

/** How long counters are kept by default. */
const MOST_DAYS = 400;
const DEFAULT_DAYS = 30;

const by = z
  .enum(USAGE_DIMENSIONS, { error: ({ input }) => oneOf(typeof input === "string" ? input : "", USAGE_DIMENSIONS) })
  .optional()
  .describe("How rows are grouped. Default: provider.");
const days = queryInteger(1, MOST_DAYS, {
  unit: "days",
  description: "How many days (UTC), today included. Default: 30.",
});
const query = strictObject({ by, days: days.optional() });

const count = z.int().nonnegative();
const milliseconds = z.number().nullable().describe("Within ±9 %; null: not kept for this grouping.");

const feedback: z.ZodType<FeedbackMean> = z
  .object({ count, mean: share } satisfies ShapeOf<FeedbackMean>)
  .meta({ id: "FeedbackMean" });

const rowSchema: z.ZodType<UsageRow> = z
  .object({
    key: z.string().describe("The provider, `provider/model`, agent, day …"),
    requests: count,
    failures: count,
    inputTokens: count,
    outputTokens: count,
    totalTokens: count,
    cachedInputTokens: count.describe("Part of the input."),
    reasoningTokens: count.describe("Part of the output."),
    costMicroUsd: z.number().describe("Micro-USD; requests of unknown price (`unpriced`) are missing from it."),
    possiblyBilledMicroUsd: z.number().describe("The part of it that nobody knows whether it is on the bill."),
    unpriced: count,
    averageMs: count,
    p50Ms: milliseconds,
    p95Ms: milliseconds,
    cacheHits: count,
    feedback: feedback.nullable().describe("Of texts that have a score."),
  } satisfies ShapeOf<UsageRow>)
  .meta({ id: "UsageRow" });

const usageSchema = z
  .object({ by: z.enum(USAGE_DIMENSIONS), days: count, rows: z.array(rowSchema) })
  .meta({ id: "Usage" });

export function registerUsage(scope: ApiScope, { system }: ApiParts): void {
  const { redis, namespace, clock } = system;
  const read = async (grouping: UsageDimension, last: number): Promise<UsageRow[]> =>
    await readUsage(redis, namespace, { by: grouping, days: last, now: clock.now() });
  const asJson = {
    ...VIEWERS,
    tags: TAGS,
    operationId: "readUsage",
    summary: "Requests, tokens, cost, latency and feedback",
    description: "In order of cost; days in order of time. What `puppet-engine usage` shows.",
    querystring: query,
    response: { 200: answer("A row for each provider, model …", usageSchema), ...errors() },
  };
  scope.get("/usage", { schema: asJson }, async (request, reply) => {
    const { by: grouping = "provider", days: last = DEFAULT_DAYS } = request.query;
    return await reply.send({ by: grouping, days: last, rows: await read(grouping, last) });
  });
  const asCsv = {
    ...VIEWERS,
    tags: TAGS,
    operationId: "exportUsage",
    summary: "The same as a table",
    description:
      `CSV with a header: \`${HEADER.join(",")}\`, where the first is what it is grouped by. Cells that a spreadsheet would ` +
      "take for a formula begin with an apostrophe.",
    querystring: query,
    response: {
      200: { description: "The table.", content: { "text/csv": { schema: z.string() } } },
      ...errors(),
    },
  };
  scope.get("/usage.csv", { schema: asCsv }, async (request, reply) => {
    const { by: grouping = "provider", days: last = DEFAULT_DAYS } = request.query;
    const rows = await read(grouping, last);
    return await reply
      .type("text/csv; charset=utf-8")
      .header("content-disposition", `attachment; filename="usage-by-${grouping}.csv"`)
      .send(formatCsv([[grouping, ...HEADER.slice(1)], ...rows.map(cellsOf)]));
  });
}

const HEADER = [
  ...["key", "requests", "failures", "input_tokens", "output_tokens", "total_tokens", "cached_input_tokens"],
  ...["reasoning_tokens", "cost_usd", "possibly_billed_usd", "unpriced_requests", "average_ms", "p50_ms", "p95_ms"],
  ...["cache_hits", "feedback_count", "feedback_mean"],
];

/** In the order of the header. */
function cellsOf(row: UsageRow): CsvCell[] {
  return [
    ...[row.key, row.requests, row.failures, row.inputTokens, row.outputTokens, row.totalTokens],
    ...[row.cachedInputTokens, row.reasoningTokens, usd(row.costMicroUsd), usd(row.possiblyBilledMicroUsd)],
    ...[row.unpriced, row.averageMs, row.p50Ms, row.p95Ms, row.cacheHits],
    ...[row.feedback?.count ?? 0, row.feedback?.mean ?? null],
  ];
}

/** All decimals that a number holds, and no exponent. */
function usd(microUsd: number): string {
  const amount = microUsd / 1e6;
  return amount.toFixed(amount < 1000 ? 12 : 6).replace(/\.?0+$/, "");
}
