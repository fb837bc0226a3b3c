import { checkInput } from "../bulk/check-input.ts";
import { leastDurationMs, RunPlan, type PlannedModel } from "../bulk/plan-run.ts";
import type { JobSource } from "../bulk/read-jobs.ts";
import { toUsd } from "../bulk/output-line.ts";
import { composePrices } from "../compose.ts";
import { duration, formatUsd, integer, plural } from "../platform/numbers.ts";
import { alignedTable, type Column } from "./aligned-table.ts";
import type { Workplace } from "./workplace.ts";

export interface DryRunOptions {
  readonly source: JobSource;
  readonly skipInvalid: boolean;
  readonly json: boolean;
}

interface ShownModel extends Readonly<PlannedModel> {
  readonly leastMs: number | null;
  /** `null`: its provider has no batch API, or the price is not known. */
  readonly batchMicroUsd: number | null;
}

/** Of the live price. Source: OpenAI's and Anthropic's pages of prices, November 2026. */
const BATCH_SHARE = 0.5;

/** Says what a run would take, and enqueues nothing. @throws InvalidRowsError, InvalidInputError as a run does */
export async function dryRun(workplace: Workplace, { source, skipInvalid, json }: DryRunOptions): Promise<void> {
  const { config, agents, defaultAgent } = workplace;
  const { catalogue, settings, definitions } = config.providers;
  const plan = new RunPlan({ agents, defaultAgent, prices: composePrices(config), catalogue });
  const summary = await checkInput(source, {
    onJob: ({ job }) => plan.add(job),
    onInvalid: skipInvalid ? () => undefined : undefined,
  });
  const limits = config.file.limits.map(({ model = null, ...limit }) => ({ ...limit, model }));
  const models = plan.models().map((model): ShownModel => {
    const { limitGroups = [], batch = null } = definitions.find(({ id }) => id === model.provider) ?? {};
    const batchMicroUsd = batch === null || model.costMicroUsd === null ? null : model.costMicroUsd * BATCH_SHARE;
    const keys = limitGroups.includes("key") ? Math.max(1, settings[model.provider]?.apiKeys?.length ?? 1) : 1;
    return { ...model, batchMicroUsd, leastMs: leastDurationMs(model, limits, keys) };
  });
  const { rows, duplicates, invalid } = summary;
  if (json) console.log(JSON.stringify({ rows, duplicates, invalid, models: models.map(modelJson) }));
  else print({ rows, duplicates, invalid }, models);
}

function modelJson({ costMicroUsd, batchMicroUsd, ...model }: ShownModel): object {
  return { ...model, costUsd: toUsd(costMicroUsd), batchCostUsd: toUsd(batchMicroUsd) };
}

const COLUMNS: readonly Column<ShownModel>[] = [
  { head: "model", cell: ({ provider, model }) => `${provider}/${model}`, mayBeCut: true },
  { head: "rows", isNumber: true, cell: ({ rows }) => integer(rows) },
  { head: "tokens in", isNumber: true, cell: ({ inputTokens }) => integer(inputTokens) },
  { head: "tokens out ≤", isNumber: true, cell: ({ outputTokens }) => integer(outputTokens) },
  { head: "USD ≤", isNumber: true, cell: ({ costMicroUsd }) => showCost(costMicroUsd, "?") },
  { head: "in batches ≤", isNumber: true, cell: ({ batchMicroUsd }) => showCost(batchMicroUsd, "–") },
  { head: "takes ≥", isNumber: true, cell: ({ leastMs }) => (leastMs === null ? "no limit known" : duration(leastMs)) },
];

function showCost(microUsd: number | null, unknown: string): string {
  return microUsd === null ? unknown : formatUsd(microUsd);
}

function print(
  { rows, duplicates, invalid }: { rows: number; duplicates: number; invalid: number },
  models: readonly ShownModel[],
): void {
  const left = [
    ...(duplicates > 0 ? [`${plural(duplicates, "row")} twice`] : []),
    ...(invalid > 0 ? [`${integer(invalid)} wrong and left out`] : []),
  ];
  console.log(`${plural(rows, "row")}${left.length === 0 ? "" : ` (${left.join(", ")})`}; nothing was enqueued\n`);
  console.log(alignedTable(models, COLUMNS, { text: 2, number: 2 }));
  console.log("\nOutput as long as max_tokens allows, no retries and no fail-over; fall-backs may cost more.");
  console.log('Times follow from "limits" of the configuration file; the latency of the calls comes on top.');
}
