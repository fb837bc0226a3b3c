import { outcomeOf, type CallAnswer } from "../generation/attempt.ts";
import { concludeCall } from "../generation/conclude.ts";
import { unsuccessfulResult } from "../generation/results.ts";
import type { BatchRecord } from "../job/batch-record.ts";
import { discounted } from "../models/prices.ts";
import type { BatchRowOutcome } from "../providers/batch.ts";
import { requestsOf } from "./admit-rows.ts";
import { runOf, type BatchDependencies, type BatchTarget } from "./batch-run.ts";
import type { BatchRow } from "./batch-store.ts";

/**
 * Takes the answers of a batch that has ended. Every row goes its way once, whenever the process is killed: its attempt is
 * settled, and then it is no row any more. Rows that the vendor does not tell of were not run.
 */
export async function collectRows(
  batch: BatchRecord,
  target: BatchTarget,
  {
    deps,
    signal,
    onRow,
  }: { readonly deps: BatchDependencies; readonly signal: AbortSignal; readonly onRow: () => Promise<void> },
): Promise<void> {
  const rows = new Map(await deps.store.rows(batch.id));
  const requests = await requestsOf(rows, deps);
  const { priceFactor } = target.api;
  for await (const [customId, outcome] of target.api.results(batch.vendorId ?? "", requests, signal)) {
    const row = rows.get(customId);
    if (row === undefined) continue;
    rows.delete(customId);
    await endRow(batch, { customId, row, outcome, priceFactor }, deps);
    await onRow();
  }
  for (const [customId, row] of rows) {
    await endRow(batch, { customId, row, outcome: { is: "expired" } }, deps);
    await onRow();
  }
}

interface EndedRow {
  readonly customId: string;
  readonly row: BatchRow;
  readonly outcome: BatchRowOutcome;
  /** The batch's share of the normal price, for rows that were answered; default 1. */
  readonly priceFactor?: number;
}

/** One row goes its way. */
export async function endRow(
  batch: BatchRecord,
  { customId, row, outcome, priceFactor = 1 }: EndedRow,
  deps: BatchDependencies,
): Promise<void> {
  const way = await wayOf(row, { outcome, priceFactor }, deps);
  if (way === "lane") await deps.toLane(row.job, await deps.agentOf(row.job));
  if (way !== "ended") await deps.store.add(batch.id, way === "lane" ? "returned" : "succeeded");
  await deps.store.dropRow(batch.id, customId);
}

type Way = "succeeded" | "ended" | "lane";

async function wayOf(
  { job, admitted }: BatchRow,
  { outcome, priceFactor }: Required<Pick<EndedRow, "outcome" | "priceFactor">>,
  deps: BatchDependencies,
): Promise<Way> {
  if (admitted === undefined) return "lane";
  switch (outcome.is) {
    case "answered":
    case "failed":
      return await settle({ job, admitted }, { priceFactor, answer: outcome }, deps);
    case "expired":
    case "cancelled":
      // Nobody was asked, and nothing is charged.
      await deps.admission.withdraw(admitted.grant);
      return "lane";
    default:
      return outcome satisfies never;
  }
}

async function settle(
  { job, admitted: { grant, size } }: Required<BatchRow>,
  { priceFactor, answer }: { readonly priceFactor: number; readonly answer: CallAnswer },
  deps: BatchDependencies,
): Promise<Way> {
  const agent = await deps.agentOf(job);
  const prices = discounted(deps.generation.prices, priceFactor);
  const call = outcomeOf(grant.intent, answer, prices);
  const isCancelled = await deps.store.isJobCancelled(job.id);
  if (agent === null || isCancelled) {
    const why = isCancelled ? "cancelled" : "failed";
    const reason = isCancelled ? "cancelled while its batch was under way" : "its agent's snapshot is gone";
    const history = [call.row];
    const terminal = unsuccessfulResult({ job, history, deps: deps.generation }, why, reason);
    const { id: jobId, agentId } = job;
    const report = { grant, limits: call.limits, health: "neutral" as const };
    await deps.admission.settle({ jobId, agentId, row: call.row, report, terminal, pause: null, deliveries: 0 });
    return "ended";
  }
  const ended = await concludeCall(runOf(job, agent, deps), { call, grant, size });
  if (ended === null) return "lane";
  return ended.outcome === "ended" && ended.record.status === "succeeded" ? "succeeded" : "ended";
}
