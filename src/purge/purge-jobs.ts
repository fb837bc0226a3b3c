import { createHash } from "node:crypto";
import { cancelJob } from "../admission/claims.ts";
import { controlKeys } from "../admission/keys.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import { purgedResult } from "../job/purged-result.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import { scanKeys } from "../platform/scan-keys.ts";
import type { PurgeTask } from "./purge-task.ts";

const recordScript = loadLuaScript(new URL("./scripts/purge-record.lua", import.meta.url));

/** Results read at once: a thread may have a hundred kilobytes. */
const READ_AT_ONCE = 50;

/**
 * Ends every job of the agent that has not ended, so that it has its terminal record like any other, and takes the texts
 * out of the records.
 * @returns the jobs that are being called for: their workers were told to stop
 */
export async function purgeJobs(task: PurgeTask, onSlice: () => void): Promise<ReadonlySet<string>> {
  const { redis, namespace, agentId } = task;
  const beginning = controlKeys(namespace).job("");
  const underWay = new Set<string>();
  for await (const keys of scanKeys(redis, beginning)) {
    const agents = await Promise.all(keys.map((key) => redis.hget(key, "agent")));
    const own = keys.filter((_, index) => agents[index] === agentId).map((key) => key.slice(beginning.length));
    for (let first = 0; first < own.length; first += READ_AT_ONCE) {
      const slice = own.slice(first, first + READ_AT_ONCE);
      const ended = await Promise.all(slice.map(async (jobId) => await purgeJob(jobId, task)));
      slice.forEach((jobId, index) => ended[index] === false && underWay.add(jobId));
    }
    onSlice();
  }
  return underWay;
}

/** @returns false: a worker is calling for it, or the vendor has it in a batch */
async function purgeJob(jobId: string, task: PurgeTask): Promise<boolean> {
  const { redis, namespace, dryRun, now, counts, ...kept } = task;
  const isFinished = (await redis.hexists(controlKeys(namespace).job(jobId), "result")) === 1;
  if (isFinished) return await purgeResult(jobId, task);
  counts.cancelled++;
  if (dryRun) return true;
  const { resultsMs, countersMs } = kept;
  const reply = await cancelJob(redis, namespace, {
    ...{ jobId, resultsMs, countersMs, now, because: "its agent is purged" },
  });
  return reply === "cancelling" ? false : await purgeResult(jobId, task);
}

/** @returns false: it has none yet */
export async function purgeResult(jobId: string, task: PurgeTask): Promise<boolean> {
  const { redis, namespace, dryRun, now, counts } = task;
  const key = controlKeys(namespace).job(jobId);
  for (;;) {
    const json = await redis.hgetBuffer(key, "result");
    if (json === null) return false;
    const result = JSON.parse(json.toString()) as GenerationResult;
    if (result.purgedAt !== undefined) return true;
    const sha = createHash("sha1").update(json).digest("hex");
    const isPurged =
      dryRun || (await recordScript.run(redis, [key], [sha, asText(purgedResult(result, now))])) === "purged";
    if (!isPurged) continue;
    counts.results++;
    return true;
  }
}

function asText(result: GenerationResult): string {
  return JSON.stringify(result);
}
