import { controlKeys } from "../admission/keys.ts";
import { HOURLY_COUNTERS, dayOf, hourOf, microUsdOfPico, parseCounterField } from "../job/usage-counters.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { visitCounters, type CountedFields } from "./read-counters.ts";
import { UNKNOWN_KIND } from "./usage-report.ts";

/** Usage over time. Days and hours are those of UTC; agents are counted by day only. */
export type SeriesQuery = {
  /** In the last bucket, epoch ms. */
  readonly now: number;
  /** How many buckets, that one included: at most 400 days, or 192 hours. */
  readonly count: number;
} & (
  | { readonly by: "provider" | "model" | "kind" | "all"; readonly per: "day" | "hour" }
  | { readonly by: "agent"; readonly per: "day" }
);

export interface UsageSeries {
  /** When each bucket begins: epoch ms, ascending, those without usage as well. */
  readonly startsAt: readonly number[];
  /** How long each of them is: a day or an hour. */
  readonly stepMs: number;
  /** In order of cost, then of requests; 12 at most. */
  readonly series: readonly OneSeries[];
}

/** A number for each bucket. */
export interface OneSeries {
  /** The provider, `provider/model`, agent or kind; `all`; `others`, the last one: the sum of all that is not shown. */
  readonly key: string;
  readonly requests: readonly number[];
  readonly failures: readonly number[];
  readonly inputTokens: readonly number[];
  readonly outputTokens: readonly number[];
  /** Micro-USD; attempts of unknown price are not in it. */
  readonly costMicroUsd: readonly number[];
}

const DAY_MS = 24 * 3600_000;
const BUCKETS = {
  day: { ms: DAY_MS, most: 400 },
  // For as long as hours are kept, see SETTLE.
  hour: { ms: 3600_000, most: 8 * 24 },
} as const;
const MOST_SERIES = 12;

/** @throws InvalidInputError when `count` is out of range */
export async function readUsageSeries(redis: RedisClient, namespace: string, query: SeriesQuery): Promise<UsageSeries> {
  const { by, per, now, count } = query;
  const { ms, most } = BUCKETS[per];
  checkCount(count, most);
  const last = Math.floor(now / ms) * ms;
  const startsAt = Array.from({ length: count }, (_, index) => last - (count - 1 - index) * ms);
  const sums = new Map<string, Sums>();
  const visit = ({ agentId, fields }: CountedFields, bucket: number): void =>
    add(sums, fields, { by, agentId, bucket, count });
  if (per === "hour") await visitHours({ redis, namespace, startsAt }, visit);
  else await visitCounters({ redis, namespace, days: startsAt.map(dayOf), byAgent: by === "agent" }, visit);
  return { startsAt, stepMs: ms, series: largest(sums).map(([key, sum]) => seriesOf(key, sum)) };
}

function checkCount(count: number, most: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= most) return;
  const expected = `an integer from 1 to ${most}`;
  throw new InvalidInputError([{ source: "usage", path: "count", got: showValue(count), expected }]);
}

interface Hours {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly startsAt: readonly number[];
}

/** They are few: hours are kept for some days. */
async function visitHours(
  { redis, namespace, startsAt }: Hours,
  visit: (counted: CountedFields, position: number) => void,
): Promise<void> {
  const { usageHour } = controlKeys(namespace);
  const read = await Promise.all(startsAt.map((at) => redis.hgetall(usageHour(hourOf(at)))));
  read.forEach((fields, position) => visit({ agentId: "", fields }, position));
}

type Counter = (typeof HOURLY_COUNTERS)[number];
/** Counter → a sum for each bucket. */
type Sums = Readonly<Record<Counter, bigint[]>>;

interface Place {
  readonly by: SeriesQuery["by"];
  readonly agentId: string;
  readonly bucket: number;
  /** Of buckets. */
  readonly count: number;
}

function add(
  sums: Map<string, Sums>,
  fields: Readonly<Record<string, string>>,
  { by, agentId, bucket, count }: Place,
): void {
  for (const [field, value] of Object.entries(fields)) {
    const { provider, model, name, kind = UNKNOWN_KIND } = parseCounterField(field);
    const counter = HOURLY_COUNTERS.find((known) => known === name);
    if (counter === undefined) continue;
    const key = { provider, model: `${provider}/${model}`, agent: agentId, kind, all: "all" }[by];
    const sum = sums.get(key) ?? noSums(count);
    sums.set(key, sum);
    sum[counter][bucket] = (sum[counter][bucket] ?? 0n) + BigInt(value);
  }
}

function noSums(count: number): Sums {
  return Object.fromEntries(HOURLY_COUNTERS.map((name) => [name, Array.from({ length: count }, () => 0n)])) as Sums;
}

/** In order; what is too many is one sum at the end. */
function largest(sums: ReadonlyMap<string, Sums>): [key: string, sums: Sums][] {
  const sorted = [...sums].sort(
    ([, a], [, b]) =>
      Number(total(b.costPicoUsd) - total(a.costPicoUsd)) || Number(total(b.requests) - total(a.requests)),
  );
  if (sorted.length <= MOST_SERIES) return sorted;
  const others = sorted.slice(MOST_SERIES - 1).map(([, sum]) => sum);
  return [...sorted.slice(0, MOST_SERIES - 1), ["others", others.reduce(plus)]];
}

function total(values: readonly bigint[]): bigint {
  return values.reduce((sum, value) => sum + value, 0n);
}

function plus(a: Sums, b: Sums): Sums {
  const added = (name: Counter): bigint[] => a[name].map((value, bucket) => value + (b[name][bucket] ?? 0n));
  return Object.fromEntries(HOURLY_COUNTERS.map((name) => [name, added(name)])) as Sums;
}

function seriesOf(key: string, sums: Sums): OneSeries {
  return {
    key,
    requests: sums.requests.map(Number),
    failures: sums.failures.map(Number),
    inputTokens: sums.inputTokens.map(Number),
    outputTokens: sums.outputTokens.map(Number),
    costMicroUsd: sums.costPicoUsd.map(microUsdOfPico),
  };
}
