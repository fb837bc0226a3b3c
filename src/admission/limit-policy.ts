import type { ProviderId } from "../providers/provider.ts";
import type { Argument } from "../platform/lua-script.ts";

/** What the operator says about the limits of a provider, or of one of its models. Absent: not known, or none. */
export interface ConfiguredLimits {
  readonly provider: ProviderId;
  /** `null`: every model of the provider, each for itself. */
  readonly model: string | null;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly inputTokensPerMinute?: number | undefined;
  readonly outputTokensPerMinute?: number | undefined;
  readonly requestsPerSecond?: number | undefined;
  readonly requestsPerDay?: number | undefined;
  /** IANA time zone in which the vendor's day ends; default UTC. */
  readonly dayEndsIn: string;
  /** How much of a limit the vendor lets through at once, in seconds of it; default 1. */
  readonly burstSeconds: number;
  /** `cap`: the vendor counts the whole `max_tokens` against the limit, not what was used. */
  readonly tokensCounted: "used" | "cap";
}

/** When a limit group is left alone because its calls fail. */
export interface BreakerRules {
  /** 0–1; default 0.5. */
  readonly failureShare: number;
  /** Calls in the window before anything is concluded; default 10. */
  readonly minCalls: number;
  /** Default 60,000. */
  readonly windowMs: number;
  /** How long it stays open before one call tries; default 30,000. */
  readonly openMs: number;
}

/** Limits by day (UTC) in micro-USD; `null`: none. */
export interface BudgetRules {
  readonly globalMicroUsd: number | null;
  readonly providersMicroUsd: ReadonlyMap<ProviderId, number>;
  /** Of every agent that has none of its own. */
  readonly agentMicroUsd: number | null;
  readonly agentsMicroUsd: ReadonlyMap<string, number>;
  /** 0–1; default 0.8. */
  readonly warnShare: number;
  /** Whether a call of unknown price may be made although a budget applies to it. */
  readonly unknownPrice: "allow" | "refuse";
}

export interface AdmissionPolicy {
  readonly limits: readonly ConfiguredLimits[];
  /** Providers that have no limits at all: the fake one. */
  readonly unlimited: ReadonlySet<ProviderId>;
  readonly breaker: BreakerRules;
  readonly budgets: BudgetRules;
}

export interface Budget {
  /** As in budgets.lua: `global`, `provider|openai`, `agent|ada`. */
  readonly name: string;
  readonly limitMicroUsd: number;
}

/** Everything that scripts are told about the limits of one provider + model. */
export interface LimitArguments {
  /** As `readLimits` of limits.lua takes them. */
  argumentsAt(now: number): readonly Argument[];
  readonly tokensCounted: ConfiguredLimits["tokensCounted"];
}

const NONE: Omit<ConfiguredLimits, "provider" | "model"> = {
  dayEndsIn: "UTC",
  burstSeconds: 1,
  tokensCounted: "used",
};

/** Looks limits up by provider and model: an entry for the model wins over one for the whole provider. */
export function createLimitLookup({
  limits,
  unlimited,
}: Pick<AdmissionPolicy, "limits" | "unlimited">): (provider: ProviderId, model: string) => LimitArguments {
  const known = new Map<string, LimitArguments>();
  return (provider, model) => {
    const key = `${provider}/${model}`;
    let found = known.get(key);
    if (found === undefined) {
      const ofProvider = limits.filter((entry) => entry.provider === provider);
      const entry =
        ofProvider.find((candidate) => candidate.model === model) ??
        ofProvider.find((candidate) => candidate.model === null);
      found = limitArguments(entry ?? NONE, !unlimited.has(provider));
      known.set(key, found);
    }
    return found;
  };
}

function limitArguments(entry: Omit<ConfiguredLimits, "provider" | "model">, isLimited: boolean): LimitArguments {
  const { requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } = entry;
  const rates = [requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute];
  const numbers = [...rates, entry.requestsPerSecond, entry.requestsPerDay].map((value) => value ?? 0);
  let day = { name: "", endsAt: 0 };
  return {
    tokensCounted: entry.tokensCounted,
    argumentsAt(now) {
      if (now >= day.endsAt) day = dayIn(entry.dayEndsIn, now);
      return [...numbers, entry.burstSeconds * 1000, day.name, day.endsAt - now, isLimited ? 1 : 0];
    },
  };
}

/** Days with a change of clocks have 23 or 25 hours; none is longer. */
const LONGEST_DAY_MS = 26 * 3600_000;

/** The day in a time zone, and when it ends: found by asking, because of the changes of clocks. */
export function dayIn(timeZone: string, now: number): { readonly name: string; readonly endsAt: number } {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  const name = format.format(now);
  let within = now;
  let endsAt = now + LONGEST_DAY_MS;
  while (endsAt - within > 1) {
    const middle = Math.floor((within + endsAt) / 2);
    if (format.format(middle) === name) within = middle;
    else endsAt = middle;
  }
  return { name, endsAt };
}

/** The budgets that a call is paid from. */
export function budgetsOf(rules: BudgetRules, provider: ProviderId, agentId: string): readonly Budget[] {
  const limits: readonly (readonly [string, number | null | undefined])[] = [
    ["global", rules.globalMicroUsd],
    [`provider|${provider}`, rules.providersMicroUsd.get(provider)],
    [`agent|${agentId}`, rules.agentsMicroUsd.get(agentId) ?? rules.agentMicroUsd],
  ];
  return limits.flatMap(([name, limitMicroUsd]) => (limitMicroUsd == null ? [] : [{ name, limitMicroUsd }]));
}
