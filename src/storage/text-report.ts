import { controlKeys } from "../admission/keys.ts";
import type { TerminalStatus } from "../job/generation-result.ts";
import { dayOf, parseDoneField } from "../job/usage-counters.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { readUsage } from "./usage-report.ts";

/** What one kind of job has come to, and cost. */
export interface TextsOfKind {
  /** `unknown`: what an earlier version has counted, which did not tell kinds apart. */
  readonly kind: string;
  /** Jobs by how they ended; a job that was retried counts as it ended last. Those that are 0 are absent. */
  readonly done: Readonly<Partial<Record<TerminalStatus, number>>>;
  /** All attempts, those of jobs that failed or go on as well; micro-USD, without the `unpriced` ones. */
  readonly costMicroUsd: number;
  readonly unpriced: number;
  /** What 1,000 texts cost: `costMicroUsd` / succeeded x 1,000; `null`: none has succeeded. */
  readonly costPerThousandMicroUsd: number | null;
}

const DAY_MS = 24 * 3600_000;

/**
 * In order of cost. Attempts count for the day (UTC) on which they began, jobs for that on which they ended.
 * @param query `now`: in the last day, epoch ms; `days`: how many, that one included
 */
export async function readTexts(
  redis: RedisClient,
  namespace: string,
  query: { readonly now: number; readonly days: number },
): Promise<TextsOfKind[]> {
  const [usage, done] = await Promise.all([
    readUsage(redis, namespace, { ...query, by: "kind" }),
    readDone(redis, namespace, query),
  ]);
  const costs = new Map(usage.map(({ key, costMicroUsd, unpriced }) => [key, { costMicroUsd, unpriced }]));
  // What came from the cache, or ended before any call, has no cost.
  const kinds = new Set([...costs.keys(), ...done.keys()]);
  return [...kinds].map((kind): TextsOfKind => {
    const { costMicroUsd, unpriced } = costs.get(kind) ?? { costMicroUsd: 0, unpriced: 0 };
    const counts = done.get(kind) ?? {};
    const succeeded = counts.succeeded ?? 0;
    const costPerThousandMicroUsd = succeeded === 0 ? null : (costMicroUsd / succeeded) * 1000;
    return { kind, done: counts, costMicroUsd, unpriced, costPerThousandMicroUsd };
  });
}

type Counts = Partial<Record<TerminalStatus, number>>;

async function readDone(
  redis: RedisClient,
  namespace: string,
  { now, days }: { readonly now: number; readonly days: number },
): Promise<Map<string, Counts>> {
  const { usageTexts } = controlKeys(namespace);
  const names = Array.from({ length: days }, (_, index) => dayOf(now - index * DAY_MS));
  const done = new Map<string, Counts>();
  for (const fields of await Promise.all(names.map((day) => redis.hgetall(usageTexts(day))))) {
    for (const [field, value] of Object.entries(fields)) {
      const parsed = parseDoneField(field);
      // What was taken back for a retry stands there as 0.
      if (parsed === null || value === "0") continue;
      const counts = done.get(parsed.kind) ?? {};
      counts[parsed.status] = (counts[parsed.status] ?? 0) + Number(value);
      done.set(parsed.kind, counts);
    }
  }
  return done;
}
