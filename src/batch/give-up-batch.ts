import type { BatchRecord } from "../job/batch-record.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { BatchRowOutcome } from "../providers/batch.ts";
import { groupOf, type BatchDependencies } from "./batch-run.ts";
import { endRow } from "./collect-rows.ts";

/** The vendors answer within a day, or say until when. */
const WINDOW_MS = 24 * 3600_000;
/** How much longer a vendor is asked what became of a batch. */
const GRACE_MS = 24 * 3600_000;
/** So many times as long as jobs wait for others: a worker that has the key would have taken a batch by then. */
const PATIENCE_FACTOR = 15;

/** A vendor that has not taken it for so long will not. @param now epoch ms */
export function isOverdue({ submittingAt }: BatchRecord, now: number): boolean {
  return submittingAt !== null && now >= submittingAt + WINDOW_MS;
}

/** Nobody will tell any more what became of it. What the vendor says may only put that off. @param now epoch ms */
export function isLost({ expiresAt, submittingAt, createdAt }: BatchRecord, now: number): boolean {
  return now >= Math.max(expiresAt ?? 0, (submittingAt ?? createdAt) + WINDOW_MS) + GRACE_MS;
}

/** No worker can send them, be it that their key was replaced. @param sinceAt epoch ms */
export function areStranded(sinceAt: number, { clock, settings }: BatchDependencies): boolean {
  return clock.now() - sinceAt >= PATIENCE_FACTOR * settings.collectMs;
}

/** The vendor has not run any row: all of them go on in their lanes, or wait for another batch. */
export async function refuseBatch(batch: BatchRecord, message: string, deps: BatchDependencies): Promise<void> {
  const mayBeTaken = /enqueued token|token.?limit/i.test(message);
  for (const [customId, row] of await deps.store.rows(batch.id)) {
    if (mayBeTaken && row.admitted !== undefined) {
      await deps.admission.withdraw(row.admitted.grant);
      await deps.store.reopen(groupOf(batch), row, deps.clock.now());
      await deps.store.dropRow(batch.id, customId);
    } else await endRow(batch, { customId, row, outcome: { is: "cancelled" } }, deps);
  }
  await endFailed(batch, message, deps);
}

/** Its rows go on in their lanes. Each may have been run, and is on the books with what that costs at the most. */
export async function loseBatch(batch: BatchRecord, message: string, deps: BatchDependencies): Promise<void> {
  const why = `what became of its batch cannot be told any more: ${message}`;
  const error = new ProviderError(why, { kind: "disconnected", provider: batch.provider, sent: "unknown" });
  const outcome: BatchRowOutcome = { is: "failed", error };
  for (const [customId, row] of await deps.store.rows(batch.id)) {
    await endRow(batch, { customId, row, outcome }, deps);
  }
  await endFailed(batch, why, deps);
}

/** A batch whose key no worker seems to have any more. */
export async function endStranded(batch: BatchRecord, deps: BatchDependencies): Promise<void> {
  const message = `no worker has its key (${batch.provider} ${batch.keyId ?? "without one"}) any more`;
  if (batch.submittingAt === null) await refuseBatch(batch, message, deps);
  else await loseBatch(batch, message, deps);
}

async function endFailed(
  batch: BatchRecord,
  message: string,
  { store, clock, logger }: BatchDependencies,
): Promise<void> {
  await store.update(batch.id, { message });
  await store.end(batch.id, "failed", clock.now());
  logger.warn({ batch: batch.id, reason: message }, "the batch has failed; its rows go on without it");
}
