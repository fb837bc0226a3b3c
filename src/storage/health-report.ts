import { controlKeys } from "../admission/keys.ts";
import type { BudgetRules, ConfiguredLimits } from "../admission/limit-policy.ts";
import { dayOf } from "../job/usage-counters.ts";
import type { AttemptOutcome } from "../job/usage-record.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { readBudgets, type BudgetHealth } from "./budget-report.ts";
import { readCalls, type CallStatistics } from "./last-calls.ts";

/**
 * What stands in the way of calls, as ADMIT sees it:
 * - `rate-limited`: the vendor said when it takes the next call.
 * - `paused`: after an error that repeats itself, of the limit group or of its key.
 * - `circuit-open`: too many calls failed. `probing`: one call tries whether it works again, or the next one will.
 *   `recovering`: it did, and calls are let through in growing numbers.
 */
export type LimitGroupState = "ok" | "rate-limited" | "paused" | "circuit-open" | "probing" | "recovering";

/** Requests and tokens per minute that the vendor told or showed; `null`: not known. Configured ones are not in it. */
export interface LearnedLimits {
  readonly requestsPerMinute: number | null;
  /** True: no vendor told `requestsPerMinute`, it was worked out from refusals. */
  readonly isObserved: boolean;
  readonly tokensPerMinute: number | null;
  readonly inputTokensPerMinute: number | null;
  readonly outputTokensPerMinute: number | null;
  readonly requestsPerDay: number | null;
}

export interface LastError {
  readonly outcome: AttemptOutcome;
  readonly message: string | null;
  /** Epoch ms. */
  readonly at: number;
}

export interface GroupHealth extends CallStatistics {
  /** E.g. `openai/gpt-6-luna#1a2b3c4d`. */
  readonly name: string;
  readonly provider: string;
  readonly state: LimitGroupState;
  /** The kind of error behind `rate-limited` and `paused`. */
  readonly why: string | null;
  /** Epoch ms; `null`: nobody knows. */
  readonly untilAt: number | null;
  readonly lastError: LastError | null;
  readonly limits: LearnedLimits;
  /** The lowest of what is configured, told and worked out: what calls are held to. `null`: nothing is known. */
  readonly requestsPerMinute: number | null;
  /** Since the group is known: it is forgotten after seven days without calls. */
  readonly callsGranted: number;
}

export interface PausedKey {
  /** E.g. `openai#1a2b3c4d`: never the key itself. */
  readonly name: string;
  readonly provider: string;
  readonly why: string;
  readonly untilAt: number;
}

export interface HealthReport {
  /** By name. */
  readonly groups: readonly GroupHealth[];
  readonly pausedKeys: readonly PausedKey[];
  /** Those of today (UTC). */
  readonly budgets: readonly BudgetHealth[];
}

export interface HealthQuery {
  /** Epoch ms. */
  readonly now: number;
  readonly budgets: BudgetRules;
  /** Those of the configuration; default: none. */
  readonly limits?: readonly ConfiguredLimits[];
}

/** Everything that Redis knows about limits, health and budgets. Reads only. */
export async function readHealth(redis: RedisClient, namespace: string, query: HealthQuery): Promise<HealthReport> {
  const keys = controlKeys(namespace);
  const { now } = query;
  const [names, spending] = await Promise.all([
    redis.smembers(keys.knownLimits),
    redis.hgetall(keys.spending(dayOf(now))),
  ]);
  const pausedKeys = await Promise.all(
    names.map(async (name) => pausedKeyOf(name, await redis.hgetall(keys.credential(name)), now)),
  );
  const groups = await Promise.all(
    names.map(async (name) => ({
      name,
      fields: await redis.hgetall(keys.limitGroup(name)),
      calls: readCalls(await redis.lrange(keys.lastCalls(name), 0, -1), now),
    })),
  );
  const paused = pausedKeys.flat();
  return {
    groups: groups.flatMap((group) => groupOf(group, paused, query)).sort(byName),
    pausedKeys: paused.sort(byName),
    budgets: readBudgets(spending, query.budgets),
  };
}

type Fields = Readonly<Record<string, string>>;

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** Names start with the provider: `openai#1a2b3c4d`, `openai/gpt-6-luna`. */
function providerOf(name: string): string {
  return name.replace(/[/#].*$/, "");
}

/** The key that a limit group is kept by; `null`: several keys share it, and one may do when another does not. */
function credentialOf(group: string): string | null {
  const keyId = /#[0-9a-f]{8}$/.exec(group)?.[0];
  return keyId === undefined ? null : `${providerOf(group)}${keyId}`;
}

function pausedKeyOf(name: string, { pausedUntil, why = "" }: Fields, now: number): PausedKey[] {
  const untilAt = Number(pausedUntil ?? 0);
  return untilAt > now ? [{ name, provider: providerOf(name), why, untilAt }] : [];
}

interface GroupParts {
  readonly name: string;
  readonly fields: Fields;
  readonly calls: CallStatistics;
}

/** `[]`: no limit group: the name is that of a key, or of a group that was forgotten. */
function groupOf(
  { name, fields, calls }: GroupParts,
  pausedKeys: readonly PausedKey[],
  { now, limits: configured = [] }: HealthQuery,
): GroupHealth[] {
  if (["seen", "breaker", "granted", "pausedUntil"].every((field) => fields[field] === undefined)) return [];
  const credential = credentialOf(name);
  const pausedKey = pausedKeys.find((key) => key.name === credential);
  const lastError = fields["lastError"];
  const limits = learnedLimits(fields, now);
  return [
    {
      ...{ name, provider: providerOf(name), ...calls },
      ...(pausedKey === undefined
        ? stateOf(fields, now)
        : { state: "paused" as const, why: pausedKey.why, untilAt: pausedKey.untilAt }),
      lastError: lastError === undefined ? null : lastErrorOf(lastError),
      limits,
      requestsPerMinute: lowest(limits.requestsPerMinute, configuredRequests(name, configured)),
      callsGranted: Number(fields["granted"] ?? 0),
    },
  ];
}

/** Our own JSON: SETTLE wrote it. */
function lastErrorOf(json: string): LastError {
  const { outcome, message, at } = JSON.parse(json) as LastError;
  return { outcome, message, at };
}

/** In the order in which ADMIT looks. */
function stateOf(fields: Fields, now: number): Pick<GroupHealth, "state" | "why" | "untilAt"> {
  const { why = "", breaker } = fields;
  const pausedUntil = Number(fields["pausedUntil"] ?? 0);
  const breakerUntil = Number(fields["breakerUntil"] ?? 0);
  const isPaused = pausedUntil > now;
  if (isPaused && why !== "rate-limited") return { state: "paused", why, untilAt: pausedUntil };
  if (breaker === "open" && breakerUntil > now) return { state: "circuit-open", why: null, untilAt: breakerUntil };
  if (breaker === "open" || breaker === "half-open") return { state: "probing", why: null, untilAt: null };
  if (isPaused) return { state: "rate-limited", why, untilAt: pausedUntil };
  return { state: breaker === "ramp" ? "recovering" : "ok", why: null, untilAt: null };
}

/** As in limits.lua: what was worked out from refusals rises by so much a millisecond. */
const REGROWTH_PER_MS = 0.002 / 1000;

function learnedLimits(fields: Fields, now: number): LearnedLimits {
  const told = (name: string): number | null => numberOrNull(fields[`learned:${name}`]);
  const observed = numberOrNull(fields["observed"]);
  const grown =
    observed === null ? Infinity : observed * (1 + (now - Number(fields["observedAt"] ?? now)) * REGROWTH_PER_MS);
  const requests = told("requests");
  const isObserved = grown < (requests ?? Infinity);
  return {
    requestsPerMinute: isObserved ? grown : requests,
    isObserved,
    tokensPerMinute: told("tokens"),
    inputTokensPerMinute: told("input"),
    outputTokensPerMinute: told("output"),
    requestsPerDay: told("day"),
  };
}

/** As ADMIT looks them up: an entry for the model wins over one for the whole provider. */
function configuredRequests(group: string, limits: readonly ConfiguredLimits[]): number | null {
  const model = /\/([^#]*)/.exec(group)?.[1];
  const own = limits.filter(({ provider }) => provider === providerOf(group));
  const entry = own.find((candidate) => candidate.model === model) ?? own.find((candidate) => candidate.model === null);
  return entry?.requestsPerMinute ?? null;
}

function lowest(...values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function numberOrNull(value: string | undefined): number | null {
  return value === undefined ? null : Number(value);
}
