import type { Draft } from "../job/draft.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { dayOf, picoUsdOf } from "../job/usage-counters.ts";
import { loadLuaScript, type Argument } from "../platform/lua-script.ts";
import { untilRedisAnswers, type RetryOptions } from "../platform/redis-retry.ts";
import type { AdmitReply, AdmitRequest, Admission, CallTarget, Grant, UnavailableReason } from "./admission.ts";
import { describeRefusal, microUsd, showBudgetName } from "./describe-refusal.ts";
import type { EpochWatch } from "./epoch-watch.ts";
import { controlKeys } from "./keys.ts";
import { budgetsOf, createLimitLookup, type AdmissionPolicy, type LimitArguments } from "./limit-policy.ts";
import { writeSettlement, type SettlementWriter } from "./write-settlement.ts";

/** `workerId` is unique per worker process and start. */
export interface RedisAdmissionOptions extends SettlementWriter {
  readonly policy: AdmissionPolicy;
  readonly watch: EpochWatch;
  readonly retry: RetryOptions;
  /** For ADMIT, before anything is paid for; default: as for all the others. */
  readonly admitRetry?: RetryOptions;
  /** The intents outlive every worker, as those of batches do: nobody sweeps them. Default false. */
  readonly outlivesWorkers?: boolean;
  /** Epoch ms; only for the days of limits. Default `Date.now`. */
  readonly now?: () => number;
}

const LIBRARIES = ["limits", "breaker", "credentials", "budgets", "results", "runs"];
const admitScript = loadLuaScript(new URL("./scripts/admit.lua", import.meta.url), LIBRARIES);
const withdrawScript = loadLuaScript(new URL("./scripts/withdraw.lua", import.meta.url), [
  "limits",
  "breaker",
  "credentials",
  "budgets",
  "reports",
]);

interface Gate extends RedisAdmissionOptions {
  readonly limitsOf: (provider: string, model: string) => LimitArguments;
  readonly epochMs: () => number;
}

export function createRedisAdmission(options: RedisAdmissionOptions): Admission {
  const gate: Gate = { ...options, limitsOf: createLimitLookup(options.policy), epochMs: options.now ?? Date.now };
  let calls = 0;
  const withdraw = async (grant: Grant): Promise<void> => {
    await untilRedisAnswers(() => withdrawGrant(grant, gate), options.retry);
  };
  return {
    async admit(request) {
      const token = `${options.workerId}.${++calls}`;
      return await untilRedisAnswers(() => admit(request, token, gate), options.admitRetry ?? options.retry);
    },
    async awaitSlot(grant, signal) {
      if (await slotComes(grant, options.watch, signal)) return "due";
      await withdraw(grant);
      return "withdrawn";
    },
    withdraw,
    otherDeathsSince: async (at) =>
      await untilRedisAnswers(
        () => gate.redis.zcount(controlKeys(gate.namespace).deaths, at, "+inf"),
        options.admitRetry ?? options.retry,
      ),
    async settle(settlement) {
      return await untilRedisAnswers(() => writeSettlement(settlement, "settled", gate), options.retry);
    },
  };
}

async function admit(request: AdmitRequest, token: string, gate: Gate): Promise<AdmitReply> {
  const { intent, targets, deliveries, knownAttempts, lane } = request;
  const askedMs = performance.now();
  const keys = controlKeys(gate.namespace);
  const { provider, model, agentId, costMicroUsd } = intent;
  const limits = gate.limitsOf(provider, model);
  const tokens = countedTokens(request, limits);
  const { budgets } = gate.policy;
  const reply = await admitScript.run(
    gate.redis,
    [
      keys.job(intent.jobId),
      keys.intents(gate.workerId),
      keys.operatorPauses,
      keys.spending(dayOf(intent.startedAt)),
      keys.workers,
      ...targets.flatMap(({ limitGroup, credential }) => [keys.limitGroup(limitGroup), keys.credential(credential)]),
    ],
    [
      ...[knownAttempts, token, deliveries, intent.attemptId, JSON.stringify(intent)],
      ...[lane, provider, agentId, intent.member > 0 ? 1 : 0, request.timeoutMs],
      ...[tokens.inputTokens, tokens.outputTokens, ...limits.argumentsAt(gate.epochMs())],
      request.isOverdue ? 1 : tokens.isGuess ? 2 : 0,
      ...[costMicroUsd === null ? -1 : picoUsdOf(intent.reservedMicroUsd), budgets.warnShare],
      ...[budgets.unknownPrice === "refuse" ? 1 : 0, tokens.inputBytes, keys.run("")],
      gate.outlivesWorkers === true ? "" : gate.workerId,
      ...budgetsOf(budgets, provider, agentId).flatMap(({ name, limitMicroUsd }) => [name, picoUsdOf(limitMicroUsd)]),
    ],
  );
  return parseAdmitReply(reply as AdmitScriptReply, { ...request, tokens, token, askedMs });
}

/** A vendor that counts the cap is told the cap. */
function countedTokens({ tokens, capTokens }: AdmitRequest, { tokensCounted }: LimitArguments): AdmitRequest["tokens"] {
  return tokensCounted === "cap" ? { ...tokens, outputTokens: capTokens, isGuess: false } : tokens;
}

type AskedFor = AdmitRequest & Pick<Grant, "token" | "askedMs">;

type GrantedReply = ["granted", number, string, number, string, number, number, ...string[]];

type AdmitScriptReply =
  | GrantedReply
  | ["settled", string]
  | ["cancelled"]
  | ["overdue"]
  | ["history", number, string, ...string[]]
  | ["unavailable", number, string, number, string]
  | ["refused", string, ...string[]];

/** The JSON in it is our own: it was checked before it was written. */
function parseAdmitReply(reply: AdmitScriptReply, request: AskedFor): AdmitReply {
  switch (reply[0]) {
    case "granted":
      return grantOf(reply, request);
    case "cancelled":
    case "overdue":
      return { answer: reply[0] };
    case "settled":
      return { answer: "settled", record: JSON.parse(reply[1]) as GenerationResult };
    case "history": {
      const [answer, knownAttempts, draft, ...rows] = reply;
      const known = { answer, knownAttempts, rows: rows.map((row) => JSON.parse(row) as UsageRecord) };
      return draft === "" ? known : { ...known, draft: JSON.parse(draft) as Draft };
    }
    case "unavailable": {
      const [answer, ms, why, waitedMs, detail] = reply;
      const forMs = ms < 0 ? Infinity : ms;
      return { answer, forMs, why: why as UnavailableReason, waitedMs, detail };
    }
    case "refused":
      return describeRefusal(reply, request.intent);
  }
}

const FIELDS_PER_WARNING = 3;

function grantOf(
  [answer, position, slotInMs, epoch, granted, inputTokens, outputTokens, ...warnings]: GrantedReply,
  { intent, targets, tokens, token, askedMs }: AskedFor,
): Grant {
  const target = position - 1;
  const { limitGroup, credential } = targets[target] as CallTarget;
  const budgetWarnings = Array.from({ length: warnings.length / FIELDS_PER_WARNING }, (_, index) => {
    const [name = "", used, limit] = warnings.slice(index * FIELDS_PER_WARNING, (index + 1) * FIELDS_PER_WARNING);
    return {
      name: showBudgetName(name),
      usedMicroUsd: microUsd(used),
      limitMicroUsd: microUsd(limit),
      isUsedUp: false,
    };
  });
  return {
    ...{ answer, intent, target, limitGroup, credential, token, askedMs, epoch, granted, budgetWarnings },
    reserved: { inputTokens, outputTokens },
    inputBytes: tokens.inputBytes,
    slotInMs: Number(slotInMs),
  };
}

/**
 * Whoever comes to a granted call so late has stood still in between (a stopped process, a laptop's lid): somebody else
 * may have the job by now. Shorter than a dead worker's intents are waited for, longer than any healthy delay.
 */
const STALE_MS = 8000;

/** @returns false when the grant does not hold any more, or `signal` has aborted */
async function slotComes(grant: Grant, watch: EpochWatch, signal: AbortSignal): Promise<boolean> {
  const { limitGroup, credential, epoch, slotInMs, askedMs } = grant;
  const isStale = (): boolean => performance.now() - askedMs > slotInMs + STALE_MS;
  if (signal.aborted || isStale()) return false;
  return await new Promise<boolean>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const finish = (isDue: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onOutdated);
      watch.delete(waiter);
      resolve(isDue);
    };
    const onOutdated = (): void => finish(false);
    const waiter = { limitGroup, credential, epoch, onOutdated };
    if (!watch.add(waiter)) return resolve(false);
    if (slotInMs <= 0) return finish(true);
    const dueMs = performance.now() + slotInMs;
    // A timer counts from the beginning of its turn of the event loop: after a long turn it comes too early.
    const arm = (leftMs: number): void => {
      timer = setTimeout(() => {
        const stillMs = dueMs - performance.now();
        if (stillMs > 0) arm(stillMs);
        else finish(!isStale());
      }, Math.ceil(leftMs));
    };
    arm(slotInMs);
    signal.addEventListener("abort", onOutdated, { once: true });
  });
}

async function withdrawGrant(grant: Grant, gate: Gate): Promise<void> {
  const { intent, reserved } = grant;
  const keys = controlKeys(gate.namespace);
  const args: Argument[] = [intent.attempt, intent.attemptId, grant.token, grant.epoch];
  await withdrawScript.run(
    gate.redis,
    [
      keys.job(intent.jobId),
      keys.intents(gate.workerId),
      keys.limitGroup(grant.limitGroup),
      keys.spending(dayOf(intent.startedAt)),
      keys.credential(grant.credential),
    ],
    [
      ...args,
      ...[reserved.inputTokens, reserved.outputTokens, intent.provider, intent.agentId],
      ...gate.limitsOf(intent.provider, intent.model).argumentsAt(gate.epochMs()),
    ],
  );
}
