import { controlKeys } from "../admission/keys.ts";
import type { BatchRecord, BatchState } from "../job/batch-record.ts";
import { generationJobSchema, type GenerationJob } from "../job/generation-job.ts";
import { releaseLease, takeLease } from "../platform/lease.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { Grant } from "../admission/admission.ts";
import type { EstimateInput } from "../generation/token-estimator.ts";
import type { RedisClient } from "../platform/redis-client.ts";

const fileScript = loadLuaScript(new URL("./scripts/file-job.lua", import.meta.url));
const formScript = loadLuaScript(new URL("./scripts/form-batch.lua", import.meta.url));

/** Of batches that have ended. */
const KEPT_MS = 30 * 24 * 3600_000;

/** Jobs that can be in one batch: a provider, a model and a key. */
export interface BatchGroup {
  readonly provider: string;
  readonly model: string;
  readonly keyId: string | null;
}

/** A row of a batch: the job, and once it is admitted its grant. */
export interface BatchRow {
  readonly job: GenerationJob;
  readonly admitted?: { readonly grant: Grant; readonly size: EstimateInput };
}

export function groupName({ provider, model, keyId }: BatchGroup): string {
  return `${provider}/${model}#${keyId ?? ""}`;
}

export function parseGroup(name: string): BatchGroup {
  const slash = name.indexOf("/");
  const hash = name.lastIndexOf("#");
  const keyId = name.slice(hash + 1);
  return { provider: name.slice(0, slash), model: name.slice(slash + 1, hash), keyId: keyId === "" ? null : keyId };
}

/** What is in Redis of batches. */
export class BatchStore {
  readonly #redis: RedisClient;
  readonly #namespace: string;

  constructor(redis: RedisClient, namespace: string) {
    this.#redis = redis;
    this.#namespace = namespace;
  }

  /** A job waits for the next batch of its group; idempotent. @param now epoch ms */
  async file(job: GenerationJob, group: string, now: number): Promise<void> {
    const keys = this.#keys;
    const row: BatchRow = { job };
    await fileScript.run(
      this.#redis,
      [keys.job(job.id), keys.batchOpen(group), keys.batchGroups],
      [JSON.stringify(row), group, now],
    );
  }

  /** Group → since when it has open rows (epoch ms), and how many. */
  async openGroups(): Promise<readonly { readonly group: string; readonly sinceAt: number; readonly rows: number }[]> {
    const groups = Object.entries(await this.#redis.hgetall(this.#keys.batchGroups));
    const rows = await Promise.all(groups.map(([group]) => this.#redis.llen(this.#keys.batchOpen(group))));
    return groups.map(([group, since], index) => ({ group, sinceAt: Number(since), rows: rows[index] ?? 0 }));
  }

  /** @returns how many rows the batch has; 0: there were none */
  async form(group: string, { id, mostRows, now }: { id: string; mostRows: number; now: number }): Promise<number> {
    const keys = this.#keys;
    const { provider, model, keyId } = parseGroup(group);
    return (await formScript.run(
      this.#redis,
      [keys.batchOpen(group), keys.batchGroups, keys.batches, keys.batch(id), keys.batchRows(id)],
      [group, id, mostRows, now, "provider", provider, "model", model, "keyId", keyId ?? ""],
    )) as number;
  }

  /** Oldest first. */
  async underWay(): Promise<readonly BatchRecord[]> {
    return await this.#readAll(await this.#redis.zrange(this.#keys.batches, "0", "-1"));
  }

  /** Newest first; of the last 30 days. */
  async ended(): Promise<readonly BatchRecord[]> {
    return await this.#readAll(await this.#redis.zrevrange(this.#keys.endedBatches, 0, -1));
  }

  async #readAll(ids: readonly string[]): Promise<readonly BatchRecord[]> {
    const hashes = await Promise.all(ids.map((id) => this.#redis.hgetall(this.#keys.batch(id))));
    return ids.flatMap((id, index) => recordOf(id, hashes[index] ?? {}) ?? []);
  }

  /** A row waits for another batch. */
  async reopen(group: string, row: BatchRow, now: number): Promise<void> {
    const keys = this.#keys;
    await this.#redis.rpush(keys.batchOpen(group), JSON.stringify({ job: row.job }));
    await this.#redis.hsetnx(keys.batchGroups, group, now);
  }

  async read(id: string): Promise<BatchRecord | null> {
    return recordOf(id, await this.#redis.hgetall(this.#keys.batch(id)));
  }

  /** @returns false: there is no such batch under way */
  async cancel(id: string): Promise<boolean> {
    if ((await this.#redis.zscore(this.#keys.batches, id)) === null) return false;
    await this.#redis.hset(this.#keys.batch(id), { cancelled: 1, nextLookAt: 0 });
    return true;
  }

  async update(id: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    await this.#redis.hset(this.#keys.batch(id), fields);
  }

  async add(id: string, field: "succeeded" | "returned"): Promise<void> {
    await this.#redis.hincrby(this.#keys.batch(id), field, 1);
  }

  async end(id: string, state: BatchState, now: number): Promise<void> {
    const keys = this.#keys;
    await this.#redis.hset(keys.batch(id), { state, endedAt: now });
    await this.#redis.pexpire(keys.batch(id), KEPT_MS);
    await this.#redis.del(keys.batchRows(id));
    await this.#redis.zadd(keys.endedBatches, now, id);
    await this.#redis.zrem(keys.batches, id);
    await this.#redis.zremrangebyscore(keys.endedBatches, 0, now - KEPT_MS);
    await this.#redis.pexpire(keys.endedBatches, KEPT_MS);
  }

  /** Custom id → row. Those that have gone their way are not among them. */
  async rows(id: string): Promise<ReadonlyMap<string, BatchRow>> {
    const all = await this.#redis.hgetall(this.#keys.batchRows(id));
    return new Map(Object.entries(all).map(([customId, json]) => [customId, parseRow(json)]));
  }

  async noteRow(id: string, customId: string, row: BatchRow): Promise<void> {
    await this.#redis.hset(this.#keys.batchRows(id), customId, JSON.stringify(row));
  }

  async dropRow(id: string, customId: string): Promise<void> {
    await this.#redis.hdel(this.#keys.batchRows(id), customId);
  }

  async isJobCancelled(jobId: string): Promise<boolean> {
    return (await this.#redis.hget(this.#keys.job(jobId), "cancelled")) === "1";
  }

  /** Only one process works on a batch or a group at a time. @returns false: another does */
  async lease(name: string, owner: string, forMs: number): Promise<boolean> {
    return await takeLease(this.#redis, { key: this.#keys.batchLease(name), owner }, forMs);
  }

  /** Others need not wait until it ends. */
  async release(name: string, owner: string): Promise<void> {
    await releaseLease(this.#redis, { key: this.#keys.batchLease(name), owner });
  }

  get #keys(): ReturnType<typeof controlKeys> {
    return controlKeys(this.#namespace);
  }
}

function parseRow(json: string): BatchRow {
  const row = JSON.parse(json) as BatchRow;
  return { ...row, job: generationJobSchema.parse(row.job) };
}

function recordOf(id: string, hash: Readonly<Record<string, string>>): BatchRecord | null {
  const { state, provider = "", model = "", keyId = "", vendorId, message } = hash;
  if (state === undefined) return null;
  const number = (field: string): number => Number(hash[field] ?? 0);
  const time = (field: string): number | null => (hash[field] === undefined ? null : Number(hash[field]));
  return {
    ...{ id, state: state as BatchState, provider, model, keyId: keyId === "" ? null : keyId },
    vendorId: vendorId ?? null,
    createdAt: number("createdAt"),
    submittingAt: time("submittingAt"),
    triedAt: time("triedAt"),
    endedAt: time("endedAt"),
    expiresAt: time("expiresAt"),
    nextLookAt: number("nextLookAt"),
    looks: number("looks"),
    total: number("total"),
    done: number("done"),
    succeeded: number("succeeded"),
    returned: number("returned"),
    isCancelled: hash["cancelled"] === "1",
    message: message ?? null,
  };
}
