import type { Redis } from "ioredis";
import { controlKeys, type ControlKeys } from "../../src/admission/keys.ts";
import { createRedisAdmission } from "../../src/admission/redis-admission.ts";
import type { Retention } from "../../src/admission/write-settlement.ts";
import { createEpochWatch } from "../../src/admission/epoch-watch.ts";
import type { AdmissionPolicy, ConfiguredLimits } from "../../src/admission/limit-policy.ts";
import type {
  Admission,
  AdmitReply,
  AdmitRequest,
  CallReport,
  CallTarget,
  Settlement,
} from "../../src/admission/admission.ts";
import type { SucceededResult, UnsuccessfulResult } from "../../src/job/generation-result.ts";
import type { UsageRecord } from "../../src/job/usage-record.ts";
import { connectTestRedis, testNamespace } from "./redis.ts";

export const RETENTION: Retention = {
  resultsMs: 3600_000,
  countersMs: 7200_000,
  usageRows: 100_000,
  usageRowsMs: 3600_000,
};

/** A namespace of its own and a connection to look at it. */
export interface TestNamespace extends AsyncDisposable {
  readonly redis: Redis;
  readonly namespace: string;
  readonly keys: ControlKeys;
}

/** `await using { redis, … }` is no syntax: `await using at = await openNamespace()`. */
export async function openNamespace(): Promise<TestNamespace> {
  const redis = await connectTestRedis();
  const namespace = testNamespace();
  return { redis, namespace, keys: controlKeys(namespace), [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose]() };
}

/** As above, with limit groups that have answered before: the whole burst is trusted. */
export async function openSeenNamespace(...limitGroups: readonly string[]): Promise<TestNamespace> {
  const at = await openNamespace();
  for (const group of [TARGET.limitGroup, ...limitGroups]) await at.redis.hset(at.keys.limitGroup(group), "seen", 1);
  return at;
}

const NOON = Date.UTC(2026, 10, 23, 12);

/** An attempt as it is announced: it reads as if its worker had died, at the largest possible cost. */
export function intentOf(jobId: string, attempt = 1, changes: Partial<UsageRecord> = {}): UsageRecord {
  return {
    attemptId: `${jobId}.${attempt}`,
    jobId,
    attempt,
    agentId: "ada",
    kind: "tweet",
    provider: "openai",
    model: "gpt-6-luna",
    keyId: null,
    member: 0,
    request: "generate",
    outcome: "crashed",
    sent: "unknown",
    usage: null,
    costMicroUsd: 140.5,
    reservedMicroUsd: 0,
    possiblyBilled: true,
    startedAt: NOON,
    durationMs: 0,
    status: null,
    retryAfterMs: null,
    parameter: null,
    message: null,
    requestId: null,
    ...changes,
  };
}

/** The intent's final row after a good answer. */
export function succeededRow(intent: UsageRecord, changes: Partial<UsageRecord> = {}): UsageRecord {
  const tokens = { cachedInputTokens: 10, reasoningTokens: 0, estimated: false, raw: null };
  return {
    ...intent,
    outcome: "succeeded",
    sent: "yes",
    usage: { inputTokens: 40, outputTokens: 8, ...tokens },
    costMicroUsd: 7.1,
    possiblyBilled: false,
    durationMs: 320,
    status: 200,
    ...changes,
  };
}

/** The intent's final row after a failure that cost nothing. */
export function failedRow(intent: UsageRecord, changes: Partial<UsageRecord> = {}): UsageRecord {
  const failure = { outcome: "overloaded", sent: "yes", costMicroUsd: 0, possiblyBilled: false } as const;
  return { ...intent, ...failure, durationMs: 80, status: 503, message: "HTTP 503", ...changes };
}

export function succeededRecord(jobId: string, text = "Hello."): SucceededResult {
  const usage = { inputTokens: 40, outputTokens: 8, cachedInputTokens: 10, reasoningTokens: 0, estimated: false };
  return {
    ...base(jobId),
    status: "succeeded",
    text,
    provider: "openai",
    model: "gpt-6-luna",
    finishReason: "stop",
    usage,
    adjustedParams: [],
  };
}

export function unsuccessfulRecord(
  jobId: string,
  status: UnsuccessfulResult["status"],
  reason = "for a test",
): UnsuccessfulResult {
  return { ...base(jobId), status, reason };
}

function base(id: string) {
  return { id, agentId: "ada", kind: "tweet", attempts: [], costMicroUsd: 0, finishedAt: NOON } as const;
}

/** A settlement of `row` that ends nothing, unless `changes` says so. */
export function settlementOf(row: UsageRecord, changes: Partial<Settlement> = {}): Settlement {
  const nothing = { report: null, terminal: null, pause: null, deliveries: 0 };
  return { jobId: row.jobId, agentId: row.agentId, row, ...nothing, ...changes };
}

/** A settlement without an attempt: the job ends before any call. */
export function endOf(record: SucceededResult | UnsuccessfulResult, deliveries = 0): Settlement {
  return { jobId: record.id, agentId: "ada", row: null, report: null, terminal: record, pause: null, deliveries };
}

/** One key of OpenAI. */
export const TARGET: CallTarget = { limitGroup: "openai/gpt-6-luna#1a2b3c4d", credential: "openai#1a2b3c4d" };

/** Asks for the next attempt of a job, for 48 tokens of one key. */
export function admitRequestOf(jobId: string, changes: Partial<AdmitRequest> = {}): AdmitRequest {
  const { knownAttempts = 0 } = changes;
  return {
    intent: intentOf(jobId, knownAttempts + 1),
    targets: [TARGET],
    tokens: { inputTokens: 40, outputTokens: 8, isGuess: false, inputBytes: 160 },
    capTokens: 280,
    isOverdue: false,
    lane: "openai~gpt-6-luna",
    timeoutMs: 30_000,
    knownAttempts,
    deliveries: 0,
    ...changes,
  };
}

/** No limits, no budgets, the usual breaker. */
export const POLICY: AdmissionPolicy = {
  limits: [],
  unlimited: new Set(["openai"]),
  breaker: { failureShare: 0.5, minCalls: 10, windowMs: 60_000, openMs: 30_000 },
  budgets: {
    globalMicroUsd: null,
    providersMicroUsd: new Map(),
    agentMicroUsd: null,
    agentsMicroUsd: new Map(),
    warnShare: 0.8,
    unknownPrice: "allow",
  },
};

/** OpenAI with these limits, a burst of a second and days in UTC where `limits` does not say otherwise. */
export function limitedTo(
  limits: Omit<Partial<ConfiguredLimits>, "provider">,
  others: Partial<AdmissionPolicy> = {},
): AdmissionPolicy {
  const entry = { model: null, dayEndsIn: "UTC", burstSeconds: 1, tokensCounted: "used", ...limits } as const;
  return { ...POLICY, unlimited: new Set(), limits: [{ ...entry, provider: "openai" }], ...others };
}

/** The report of a call that was granted. */
export function reportOf(grant: AdmitReply, changes: Partial<CallReport> = {}): CallReport {
  if (grant.answer !== "granted") throw new Error(`got ${JSON.stringify(grant)}; expected granted`);
  return { grant, limits: [], health: "good", ...changes };
}

/** The gates as one worker has them. `failures` receives what was retried. */
export function admissionOf(
  redis: Redis,
  namespace: string,
  {
    workerId = "worker-1",
    retention = RETENTION,
    failures = [] as Error[],
    policy = POLICY,
    watch = createEpochWatch(),
    outlivesWorkers = false,
  } = {},
): Admission {
  const retry = { signal: new AbortController().signal, onFailure: (error: Error) => void failures.push(error) };
  return createRedisAdmission({ redis, namespace, workerId, outlivesWorkers, retention, policy, watch, retry });
}

/** A connection that breaks after the first script has run, before its reply has arrived. */
export function losingFirstReply(redis: Redis): Redis {
  let lost = false;
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name !== "evalsha" && name !== "eval") return value.bind(target) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        const reply: unknown = await value.apply(target, args);
        if (lost) return reply;
        lost = true;
        throw new Error("read ECONNRESET");
      };
    },
  });
}
