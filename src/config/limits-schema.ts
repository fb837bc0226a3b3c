import { z } from "zod";
import { strictObject } from "../platform/zod-faults.ts";
import { integerFrom, listOf, numberFrom, seconds, share, text } from "./schema-parts.ts";

/* What the configuration file says of limits: the vendors', those of failing calls, and the operator's own of money. */

/** The id of a provider: which there are is checked for the file as a whole, see `known-providers.ts`. */
const provider = z.string({ error: "the id of a provider" });

/** An object that may say something of each provider. */
function perProvider<Field extends z.ZodType>(field: Field) {
  return z.record(provider, field, { error: "an object: provider → its setting" }).default({});
}

const AMOUNTS = [
  "requestsPerSecond",
  "requestsPerMinute",
  "requestsPerDay",
  "tokensPerMinute",
  "inputTokensPerMinute",
  "outputTokensPerMinute",
] as const;

const amount = numberFrom(0.001, 1e12).optional();

const timeZoneError = 'an IANA time zone such as "UTC" or "America/Los_Angeles"';
const timeZone = z.string({ error: timeZoneError }).refine(isTimeZone, { error: timeZoneError });

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** Of one limit, without its provider. */
export const limitFields = {
  /** Default: every model of the provider. */
  model: text.optional(),
  requestsPerSecond: amount,
  requestsPerMinute: amount,
  /** Counted from midnight to midnight in `dayEndsIn`. */
  requestsPerDay: amount,
  /** Input and output together. */
  tokensPerMinute: amount,
  inputTokensPerMinute: amount,
  outputTokensPerMinute: amount,
  /** IANA time zone. Gemini's days end in America/Los_Angeles. */
  dayEndsIn: timeZone.default("UTC"),
  /** So many seconds' worth of a limit may be used at once, after a time without calls. */
  burstSeconds: numberFrom(0.1, 60, "seconds, a number").default(1),
  /** `used`: the tokens of the answer. `cap`: the vendor counts the whole `max_tokens` against the limit. */
  tokensCounted: z.enum(["used", "cap"], { error: '"used" or "cap"' }).default("used"),
};

export function withAnAmount<Entry extends z.ZodType<Partial<Record<(typeof AMOUNTS)[number], number | undefined>>>>(
  entry: Entry,
): Entry {
  return entry.refine((given) => AMOUNTS.some((name) => given[name] !== undefined), {
    error: `at least one of ${AMOUNTS.join(", ")}`,
  });
}

const limit = withAnAmount(strictObject({ provider, ...limitFields }));

type Limit = z.output<typeof limit>;

/** Also of a list in which other things are wrong: all problems are reported at once. */
function refuseRepetitions(entries: readonly Partial<Limit>[], context: z.RefinementCtx): void {
  const first = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const { provider: id, model } = entry;
    if (id === undefined) continue;
    const name = JSON.stringify([id, model]);
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      continue;
    }
    const params = { got: `the provider and model of limits[${earlier}]` };
    context.addIssue({ code: "custom", path: [index], message: "each provider and model once", params });
  }
}

export const limits = listOf(limit, "limits")
  .superRefine(refuseRepetitions, { when: ({ value }) => Array.isArray(value) })
  .default([]);

/** Parts that tell apart: `["model", "key"]`: each model with each key; `["model"]`: all keys share; `[]`: all calls. */
export const limitGroups = perProvider(
  listOf(
    z.enum(["model", "key"], { error: '"model" or "key"' }),
    'what tells them apart: "model", "key", both or none',
  ),
);

export const breaker = strictObject({
  /** A limit group is left alone when this share of its latest calls failed … */
  failureShare: numberFrom(0.01, 1).default(0.5),
  /** … of at least so many … */
  minCalls: integerFrom(1, 10_000).default(10),
  /** … in this time. */
  windowSeconds: seconds(60),
  /** Then a single call tries whether it works again. */
  openSeconds: seconds(30),
}).prefault({});

const usd = numberFrom(0, 1e9, "USD, a number");
const usdOrNone = numberFrom(0, 1e9, "null, or USD, a number").nullable().default(null);

const agentIdError = "the id of an agent: 1–128 characters of A–Z a–z 0–9 _ -";
const agentId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, { error: agentIdError });

/** `null`, or no entry: no such budget. */
export const budgets = strictObject({
  /** Over everything. */
  globalUsdPerDay: usdOrNone,
  providerUsdPerDay: perProvider(usd),
  /** Each agent that `agentsUsdPerDay` does not name. */
  agentUsdPerDay: usdOrNone,
  /** Agent id → USD. */
  agentsUsdPerDay: z
    .record(agentId, usd, {
      error: ({ code }) => (code === "invalid_key" ? agentIdError : "an object: agent id → USD"),
    })
    .default({}),
  /** The log warns when this share of a budget is spent. */
  warnShare: share(0.8),
  /** What becomes of calls whose price is not known while there is a budget for them. */
  unknownPrice: z.enum(["allow", "refuse"], { error: '"allow" or "refuse"' }).default("allow"),
}).prefault({});
