import type { AdmissionPolicy } from "../admission/limit-policy.ts";
import type { AlertRules } from "../alerts/alert.ts";
import type { NotificationRules } from "../alerts/notifications.ts";
import type { GenerationPolicy } from "../generation/run.ts";
import type { BatchSettings } from "../batch/batch-run.ts";
import type { ProviderDefinition } from "../providers/registry.ts";
import type { VarietySettings } from "../variety/redis-variety-guard.ts";
import type { ConfigFile } from "./config-file.ts";

const MICRO_PER_USD = 1e6;
const DAY_MS = 24 * 3600_000;

/** What the configuration file says about retries and waits, as generation takes it. */
export function generationPolicyOf({ retries, maxWaitSeconds, pauseSeconds, cache }: ConfigFile): GenerationPolicy {
  const { attempts, maxCalls, baseSeconds, capSeconds, failOverOnContentFilter, failOverAfter } = retries;
  const { reply, scheduled, bulk } = maxWaitSeconds;
  return {
    attempts,
    maxCalls,
    backoff: { baseMs: baseSeconds * 1000, capMs: capSeconds * 1000 },
    failOverOnContentFilter,
    failOverAfter,
    maxWaitMs: { reply: reply * 1000, scheduled: scheduled * 1000, bulk: bulk * 1000 },
    pauseMs: pauseSeconds * 1000,
    cache: { ttlMs: cache.ttlSeconds * 1000, staleMs: cache.serveStaleSeconds * 1000 },
  };
}

/** `null`: texts may be like each other. */
export function varietySettingsOf({ variety }: Pick<ConfigFile, "variety">): VarietySettings | null {
  const { enabled, similarity, agentTexts, days } = variety;
  return enabled ? { similarity, agentTexts, textsMs: Math.round(days * DAY_MS) } : null;
}

export function batchSettingsOf({ batch }: Pick<ConfigFile, "batch">): BatchSettings {
  const { collectSeconds, pollSeconds, leastHours, maxRows } = batch;
  return { collectMs: collectSeconds * 1000, pollMs: pollSeconds * 1000, leastMs: leastHours * 3600_000, maxRows };
}

export function alertRulesOf({
  alerts,
  budgets,
}: Pick<ConfigFile, "alerts" | "budgets">): AlertRules & NotificationRules {
  const { repeatHours, laneStuckMinutes, orphanShare, orphanMinCount, ignored } = alerts;
  return {
    ...{ ignored, orphanShare, orphanMinCount, warnShare: budgets.warnShare },
    repeatMs: repeatHours * 3600_000,
    laneStuckMs: laneStuckMinutes * 60_000,
  };
}

/** What it says about limits, breaker and budgets, as ADMIT and SETTLE take it. */
export function admissionPolicyOf(
  { limits, endpoints, breaker, budgets }: ConfigFile,
  definitions: readonly ProviderDefinition[],
): AdmissionPolicy {
  const own = Object.entries(endpoints).flatMap(([provider, endpoint]) =>
    endpoint.limits.map((limit) => ({ ...limit, provider })),
  );
  const { failureShare, minCalls, windowSeconds, openSeconds } = breaker;
  return {
    limits: [...limits, ...own].map(({ model = null, ...entry }) => ({ ...entry, model })),
    unlimited: new Set(definitions.filter(({ limited }) => !limited).map(({ id }) => id)),
    breaker: { failureShare, minCalls, windowMs: windowSeconds * 1000, openMs: openSeconds * 1000 },
    budgets: budgetPolicyOf({ budgets }),
  };
}

/** The part of it that is about money. */
export function budgetPolicyOf({ budgets }: Pick<ConfigFile, "budgets">): AdmissionPolicy["budgets"] {
  return {
    globalMicroUsd: microUsd(budgets.globalUsdPerDay),
    providersMicroUsd: microUsdByName(budgets.providerUsdPerDay),
    agentMicroUsd: microUsd(budgets.agentUsdPerDay),
    agentsMicroUsd: microUsdByName(budgets.agentsUsdPerDay),
    warnShare: budgets.warnShare,
    unknownPrice: budgets.unknownPrice,
  };
}

function microUsd(usd: number | null): number | null {
  return usd === null ? null : usd * MICRO_PER_USD;
}

function microUsdByName(amounts: Readonly<Record<string, number | undefined>>): ReadonlyMap<string, number> {
  const given = Object.entries(amounts).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return new Map(given.map(([name, usd]) => [name, usd * MICRO_PER_USD]));
}
