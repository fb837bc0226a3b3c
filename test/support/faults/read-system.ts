import type { GenerationResult } from "../../../src/job/generation-result.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import { readBooks } from "../read-books.ts";
import type { SeenCall } from "../recorded-server.ts";
import { jobOf, type FaultSystem } from "./fault-system.ts";
import { readResults } from "./reconcile.ts";

/** Usage rows of some jobs, in the order in which they were written; `name`: how their ids begin. */
export async function rowsOf({ redis, namespace }: FaultSystem, name = ""): Promise<readonly UsageRecord[]> {
  return (await readBooks(redis, namespace)).rows.filter(({ jobId }) => jobId.startsWith(name));
}

/** Terminal records of the jobs that have ended. */
export async function resultsOf(system: FaultSystem, name = ""): Promise<readonly GenerationResult[]> {
  const ids = system.accepted.filter((id) => id.startsWith(name));
  return await readResults(system.redis, system.namespace, ids);
}

/** Job → how many calls were made for it; jobs without any are left out. */
export function callsByJob(calls: readonly SeenCall[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const call of calls) counts[jobOf(call)] = (counts[jobOf(call)] ?? 0) + 1;
  return counts;
}

/** `openai timeout, grok succeeded` */
export function outcomesOf({ attempts }: GenerationResult): string {
  return attempts.map(({ provider, outcome }) => `${provider} ${outcome}`).join(", ");
}

/** Of a job that ended without a text; its text if it has one. */
export function reasonOf(result: GenerationResult): string {
  return result.status === "succeeded" ? result.text : result.reason;
}
