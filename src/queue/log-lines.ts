import type { BudgetState } from "../admission/admission.ts";
import type { Step } from "../generation/decide.ts";
import { RECOVERY } from "../generation/recovery.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { describeUnknownPrice } from "../models/unknown-price.ts";
import type { Logger } from "../platform/logger.ts";

/** One line per attempt, and one for each model whose price is not known. Never the prompt, the text or a key. */
export function attemptLogger(logger: Logger): (row: UsageRecord) => void {
  const warnOfUnknownPrice = unpricedLogger(logger);
  return (row) => {
    const {
      jobId,
      agentId,
      kind,
      attempt,
      provider,
      model,
      outcome,
      status,
      durationMs,
      possiblyBilled,
      message,
      requestId,
    } = row;
    const line = {
      ...{ jobId, agentId, kind, attempt, provider, model, outcome, durationMs },
      inputTokens: row.usage?.inputTokens ?? null,
      outputTokens: row.usage?.outputTokens ?? null,
      costUsd: row.costMicroUsd === null ? null : row.costMicroUsd / 1e6,
      ...(outcome === "succeeded" ? {} : { status, possiblyBilled, reason: message }),
      ...(requestId === null ? {} : { requestId }),
    };
    if (outcome === "succeeded") logger.info(line, "attempt succeeded");
    else if (outcome === "crashed") logger.warn(line, "attempt orphaned: its worker died");
    else if (RECOVERY[outcome].pauses !== null)
      logger.error({ ...line, alert: true }, "attempt failed: provider paused until somebody acts");
    else logger.warn(line, "attempt failed");
    warnOfUnknownPrice(row);
  };
}

/** Models come with jobs: there is no other end to how many are remembered. */
const MOST_UNPRICED = 1000;

/** Once for each model whose price is not known, and not for every call of it. */
function unpricedLogger(logger: Logger): (row: UsageRecord) => void {
  const told = new Set<string>();
  return ({ provider, model, outcome, costMicroUsd }) => {
    const name = `${provider}/${model}`;
    // Of an orphan its own worker has told, or another call will.
    if (costMicroUsd !== null || outcome === "crashed" || told.has(name) || told.size >= MOST_UNPRICED) return;
    told.add(name);
    const { text, fix } = describeUnknownPrice(name);
    logger.warn({ provider, model }, `${text}; ${fix}`);
  };
}

/** What was decided, at debug level. */
export function stepLogger(logger: Logger): (job: GenerationJob, step: Step) => void {
  if (!logger.isLevelEnabled("debug")) return () => undefined;
  return (job, step) => logger.debug({ jobId: job.id, agentId: job.agentId, ...step }, "decided");
}

/** A limit group is left alone. @param openMs for how long, before one call tries whether it works again */
export function breakerLogger(logger: Logger, openMs: number): (limitGroup: string) => void {
  return (limitGroup) =>
    logger.error(
      { limitGroup, alert: true },
      `circuit breaker open: too many calls of ${limitGroup} failed; nobody calls it for ${openMs / 1000} s`,
    );
}

/** A budget has passed its warning share, or is used up. */
export function budgetLogger(logger: Logger): (budget: BudgetState) => void {
  return ({ name, usedMicroUsd, limitMicroUsd, isUsedUp }) => {
    const line = { budget: name, usedUsd: usedMicroUsd / 1e6, limitUsd: limitMicroUsd / 1e6, alert: true };
    if (isUsedUp) return logger.error(line, `budget of today (UTC) is used up: ${name}; its jobs fail until tomorrow`);
    logger.warn(line, `budget of today (UTC): ${name} has used ${percent(usedMicroUsd / limitMicroUsd)} of it`);
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
