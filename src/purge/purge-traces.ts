import { controlKeys } from "../admission/keys.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import { scanKeys } from "../platform/scan-keys.ts";
import { isTextOf } from "../variety/text-entry.ts";
import { unlink, type PurgeTask } from "./purge-task.ts";

/* What an agent leaves behind beside its jobs. */

const rowsScript = loadLuaScript(new URL("./scripts/replace-rows.lua", import.meta.url));
const errorScript = loadLuaScript(new URL("./scripts/forget-error.lua", import.meta.url));

const ROWS_AT_ONCE = 500;

/** Its prompts and persona. A producer that still uses them stores them anew. */
export async function purgeSnapshots(task: PurgeTask): Promise<void> {
  const { redis, namespace, agentId, counts } = task;
  for await (const keys of scanKeys(redis, controlKeys(namespace).snapshot(""))) {
    const snapshots = await Promise.all(keys.map((key) => redis.get(key)));
    const own = keys.filter((_, index) => idIn(snapshots[index] ?? null) === agentId);
    counts.snapshots += own.length;
    await unlink(task, own);
  }
}

function idIn(json: string | null): unknown {
  return (JSON.parse(json ?? "null") as { id?: unknown } | null)?.id;
}

export async function purgeCachedTexts(task: PurgeTask): Promise<void> {
  const { redis, namespace, agentId, counts } = task;
  for await (const keys of scanKeys(redis, controlKeys(namespace).cachedText(agentId, ""))) {
    counts.cached += keys.length;
    await unlink(task, keys);
  }
}

/** Not the index of bands: its entries are hashes of no use without the texts, and it drops them by itself. */
export async function purgeFingerprints(task: PurgeTask): Promise<void> {
  const { redis, namespace, agentId, counts } = task;
  const control = controlKeys(namespace);
  for await (const keys of scanKeys(redis, control.text(""))) {
    const texts = await Promise.all(keys.map((key) => redis.getBuffer(key)));
    const own = keys.filter((_, index) => isTextOf(texts[index] ?? null, agentId));
    counts.fingerprints += own.length;
    await unlink(task, own);
  }
  await unlink(task, [control.agentTexts(agentId)]);
}

/** The last error of a model is shown with what the vendor said, which may be part of a text. */
export async function purgeLastErrors({ redis, namespace, agentId, dryRun }: PurgeTask): Promise<void> {
  const keys = controlKeys(namespace);
  const names = await redis.smembers(keys.knownLimits);
  const errors = await Promise.all(names.map((name) => redis.hget(keys.limitGroup(name), "lastError")));
  for (const [index, name] of names.entries()) {
    const error = errors[index] ?? null;
    if (dryRun || error === null) continue;
    // One of an earlier version does not say whose it is.
    const { agentId: of = agentId } = JSON.parse(error) as { agentId?: string };
    if (of === agentId) await errorScript.run(redis, [keys.limitGroup(name)], [error]);
  }
}

/** Takes the messages out of usage rows; everything that is counted stays. Orphans have none. */
export async function purgeMessages(task: PurgeTask, onSlice: () => void): Promise<void> {
  const { redis, namespace, dryRun, counts } = task;
  const { usageRows } = controlKeys(namespace);
  const [newest] = await redis.xrevrange(usageRows, "+", "-", "COUNT", 1);
  // What is replaced stands behind it.
  const end = newest?.[0] ?? "0";
  for (let from = "-"; ;) {
    const entries = await redis.xrange(usageRows, from, end, "COUNT", ROWS_AT_ONCE);
    const replacements = entries.flatMap(([id, [, json = ""]]) => replacementOf(id, json, task));
    counts.messages += replacements.length / 2;
    if (!dryRun && replacements.length > 0) await rowsScript.run(redis, [usageRows], replacements);
    onSlice();
    const last = entries.at(-1);
    if (last === undefined || entries.length < ROWS_AT_ONCE) return;
    from = `(${last[0]}`;
  }
}

function replacementOf(id: string, json: string, { agentId }: PurgeTask): string[] {
  const row = JSON.parse(json) as UsageRecord;
  if (row.agentId !== agentId || row.message === null || row.outcome === "crashed") return [];
  return [id, JSON.stringify({ ...row, message: null })];
}
