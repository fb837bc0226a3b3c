import type { BatchRecord } from "../job/batch-record.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { admitRows, requestsOf } from "./admit-rows.ts";
import type { BatchDependencies, BatchTarget } from "./batch-run.ts";
import { collectRows } from "./collect-rows.ts";
import { isLost, isOverdue, loseBatch, refuseBatch } from "./give-up-batch.ts";

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
  const { batch, deps } = step;
  const found = batch.submittingAt === null ? null : await find(step);
  if (found === undefined) return;
  if (found !== null) return await noteSubmitted(step, found, "batch found");
  const settledAt = (batch.triedAt ?? -Infinity) + settledAfterMs(deps);
  if (deps.clock.now() < settledAt) return await deps.store.update(batch.id, { nextLookAt: settledAt });
  await send(step);
}

async function send(step: BatchStep): Promise<void> {
  const { batch, target, deps, signal, stay } = step;
  const requests = await requestsOf(await deps.store.rows(batch.id), deps);
  await stay();
  // Noted before the call: whoever comes after us asks the vendor first.
  const now = deps.clock.now();
  await deps.store.update(batch.id, { submittingAt: batch.submittingAt ?? now, triedAt: now });
  try {
    await noteSubmitted(step, await target.api.submit(requests, batch.id, signal), "batch submitted");
  } catch (error) {
    await afterRefusal(step, error);
  }
}

async function noteSubmitted(step: BatchStep, vendorId: string, what: string): Promise<void> {
  const { batch, deps } = step;
  await deps.store.update(batch.id, { state: "submitted", vendorId, looks: 0, nextLookAt: nextLookAt(step, 0) });
  deps.logger.info({ batch: batch.id, vendorId, rows: batch.total }, what);
}

/** A batch whose connection broke may still be made, and be in the vendor's list only then. */
function settledAfterMs({ settings }: BatchDependencies): number {
  return 2 * settings.pollMs;
}

/**
 * Whatever is wrong with asking, be it the key: the batch may have been made, and is not given up for that.
 * @returns the vendor's id; `null`: there is none; `undefined`: that cannot be told now
 */
async function find(step: BatchStep): Promise<string | null | undefined> {
  const { batch, target, deps, signal } = step;
  const others = [...(await deps.store.underWay()), ...(await deps.store.ended())];
  const known = new Set(others.flatMap(({ vendorId }) => vendorId ?? []));
  const submittedAfter = batch.submittingAt ?? batch.createdAt;
  try {
    return await target.api.find({ marker: batch.id, submittedAfter, rows: batch.total, known }, signal);
  } catch (error) {
    await later(step, error);
    return undefined;
  }
}

/** Kinds that say that this batch will never be taken, or not before somebody acts. */
const FOR_GOOD: ReadonlySet<ProviderError["kind"]> = new Set([
  ...(["authentication", "quota-exhausted", "model-not-found", "invalid-request", "certificate"] as const),
  "refused-address",
  ...(["unsupported-parameter", "request-too-large", "context-too-long", "content-filtered"] as const),
]);

async function afterRefusal(step: BatchStep, error: unknown): Promise<void> {
  const { batch, deps } = step;
  if (!(error instanceof ProviderError)) throw error;
  deps.logger.warn({ batch: batch.id, err: error.message, kind: error.kind }, "the batch was not taken");
  const isRefused = error.sent === "no" || (error.status !== null && error.status >= 400 && error.status < 500);
  const now = deps.clock.now();
  if (isRefused && (FOR_GOOD.has(error.kind) || isOverdue(batch, now))) {
    return await refuseBatch(batch, error.message, deps);
  }
  if (isLost(batch, now)) return await loseBatch(batch, error.message, deps);
  await lookAgain(step, error);
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
    if (state === "failed") return await refuseBatch(batch, message ?? "the vendor has refused it", deps);
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

/** Nothing is lost by asking again, whatever the vendor's trouble is; but not for ever. */
async function later(step: BatchStep, error: unknown): Promise<void> {
  const { batch, deps } = step;
  if (!(error instanceof ProviderError)) throw error;
  const isUnknown = error.status === 404 || error.status === 410;
  if (isLost(batch, deps.clock.now()) || (batch.isCancelled && isUnknown))
    return await loseBatch(batch, error.message, deps);
  deps.logger.warn({ batch: batch.id, err: error.message, kind: error.kind }, "the batch is looked at again");
  await lookAgain(step, error);
}

async function lookAgain(step: BatchStep, { message, retryAfterMs }: ProviderError): Promise<void> {
  const { batch, deps } = step;
  const looks = batch.looks + 1;
  const waitAt = deps.clock.now() + (retryAfterMs ?? 0);
  await deps.store.update(batch.id, { looks, message, nextLookAt: Math.max(waitAt, nextLookAt(step, looks)) });
}
