import type { BatchRecord } from "../job/batch-record.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { admitRows, requestsOf } from "./admit-rows.ts";
import { groupOf, type BatchDependencies, type BatchTarget } from "./batch-run.ts";
import { collectRows, endRow } from "./collect-rows.ts";

export interface BatchStep {
  readonly batch: BatchRecord;
  readonly target: BatchTarget;
  readonly deps: BatchDependencies;
  readonly signal: AbortSignal;
  /** Keeps the lease; throws when somebody else has it. */
  readonly stay: () => Promise<void>;
}

/** Takes a batch one step further. Whatever was done before the process died is found in Redis, or asked of the vendor. */
export async function takeStep(step: BatchStep): Promise<void> {
  switch (step.batch.state) {
    case "forming":
      return await admit(step);
    case "submitting":
      return await submit(step);
    case "submitted":
      return await look(step);
    case "collecting":
      return await collect(step);
    case "done":
    case "failed":
      return;
  }
}

async function admit({ batch, target, deps, stay }: BatchStep): Promise<void> {
  const rows = await admitRows(batch, target, deps);
  await stay();
  if (rows.size === 0) return await deps.store.end(batch.id, "done", deps.clock.now());
  await deps.store.update(batch.id, { state: "submitting", total: rows.size });
}

async function submit(step: BatchStep): Promise<void> {
  const { batch, target, deps, signal, stay } = step;
  const { store, clock, logger } = deps;
  try {
    const found = batch.submittingAt === null ? null : await find(step);
    if (found === null && batch.triedAt !== null && clock.now() < batch.triedAt + settledAfterMs(deps)) {
      return await store.update(batch.id, { nextLookAt: batch.triedAt + settledAfterMs(deps) });
    }
    let vendorId = found;
    if (vendorId === null) {
      const requests = await requestsOf(await store.rows(batch.id), deps);
      await stay();
      // Noted before the call: whoever comes after us asks the vendor first.
      const now = clock.now();
      await store.update(batch.id, { submittingAt: batch.submittingAt ?? now, triedAt: now });
      vendorId = await target.api.submit(requests, batch.id, signal);
    }
    await store.update(batch.id, { state: "submitted", vendorId, looks: 0, nextLookAt: nextLookAt(step, 0) });
    logger.info({ batch: batch.id, vendorId, rows: batch.total }, found === null ? "batch submitted" : "batch found");
  } catch (error) {
    await afterRefusal(step, error);
  }
}

/** A batch whose connection broke may still be made, and be in the vendor's list only then. */
function settledAfterMs({ settings }: BatchDependencies): number {
  return 2 * settings.pollMs;
}

async function find({ batch, target, deps, signal }: BatchStep): Promise<string | null> {
  const others = [...(await deps.store.underWay()), ...(await deps.store.ended())];
  const known = new Set(others.flatMap(({ vendorId }) => vendorId ?? []));
  const submittedAfter = batch.submittingAt ?? batch.createdAt;
  return await target.api.find({ marker: batch.id, submittedAfter, rows: batch.total, known }, signal);
}

/** Kinds that say that this batch will never be taken, or not before somebody acts. */
const FOR_GOOD: ReadonlySet<ProviderError["kind"]> = new Set([
  ...(["authentication", "quota-exhausted", "model-not-found", "invalid-request", "certificate"] as const),
  ...(["unsupported-parameter", "request-too-large", "context-too-long", "content-filtered"] as const),
]);

async function afterRefusal(step: BatchStep, error: unknown): Promise<void> {
  const { batch, deps } = step;
  if (!(error instanceof ProviderError)) throw error;
  deps.logger.warn({ batch: batch.id, err: error.message, kind: error.kind }, "the batch was not taken");
  const isRefused = error.sent === "no" || (error.status !== null && error.status >= 400 && error.status < 500);
  if (isRefused && FOR_GOOD.has(error.kind)) return await giveUp(step, error.message);
  const looks = batch.looks + 1;
  const waitAt = deps.clock.now() + (error.retryAfterMs ?? 0);
  await deps.store.update(batch.id, {
    ...{ looks, message: error.message },
    nextLookAt: Math.max(waitAt, nextLookAt(step, looks)),
  });
}

/** The vendor has not run any row: all of them go on in their lanes, or wait for another batch. */
async function giveUp({ batch, target, deps }: BatchStep, message: string): Promise<void> {
  const mayBeTaken = /enqueued token|token.?limit/i.test(message);
  for (const [customId, row] of await deps.store.rows(batch.id)) {
    if (mayBeTaken && row.admitted !== undefined) {
      await deps.admission.withdraw(row.admitted.grant);
      await deps.store.reopen(groupOf(batch), row, deps.clock.now());
      await deps.store.dropRow(batch.id, customId);
    } else await endRow(batch, { customId, row, outcome: { is: "cancelled" }, target }, deps);
  }
  await deps.store.update(batch.id, { message });
  await deps.store.end(batch.id, "failed", deps.clock.now());
}

const LONGEST_PAUSE_FACTOR = 5;

function nextLookAt({ deps }: Pick<BatchStep, "deps">, looks: number): number {
  return deps.clock.now() + deps.settings.pollMs * Math.min(LONGEST_PAUSE_FACTOR, 1 + looks / 5);
}

async function look(step: BatchStep): Promise<void> {
  const { batch, target, deps, signal } = step;
  const { vendorId } = batch;
  try {
    if (batch.isCancelled) {
      await target.api.cancel(vendorId ?? "", signal);
      await deps.store.update(batch.id, { cancelled: 2 });
    }
    const { state, done, expiresAt, message } = await target.api.status(vendorId ?? "", signal);
    if (state === "failed") return await giveUp(step, message ?? "the vendor has refused it");
    const looks = batch.looks + 1;
    await deps.store.update(batch.id, {
      ...{ looks, done, nextLookAt: state === "ended" ? 0 : nextLookAt(step, looks) },
      ...(expiresAt === null ? {} : { expiresAt }),
      ...(state === "ended" ? { state: "collecting" } : {}),
    });
  } catch (error) {
    await later(step, error);
  }
}

async function collect(step: BatchStep): Promise<void> {
  const { batch, target, deps, signal, stay } = step;
  let rows = 0;
  const onRow = async (): Promise<void> => {
    if (++rows % 100 === 0) await stay();
  };
  try {
    await collectRows(batch, target, { deps, signal, onRow });
    await deps.store.end(batch.id, "done", deps.clock.now());
    deps.logger.info({ batch: batch.id, rows }, "batch collected");
  } catch (error) {
    await later(step, error);
  }
}

/** Nothing is lost by asking again, whatever the vendor's trouble is. */
async function later(step: BatchStep, error: unknown): Promise<void> {
  const { batch, deps } = step;
  if (!(error instanceof ProviderError)) throw error;
  deps.logger.warn({ batch: batch.id, err: error.message, kind: error.kind }, "the batch is looked at again");
  const looks = batch.looks + 1;
  await deps.store.update(batch.id, { looks, message: error.message, nextLookAt: nextLookAt(step, looks) });
}
