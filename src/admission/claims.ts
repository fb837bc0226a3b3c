import crypto from "node:crypto";
import type { Agent } from "../agents/agent.ts";
import type { JobKind, JobPayload } from "../job/generation-job.ts";
import { summaryOf, totalCostMicroUsd } from "../job/attempt-summary.ts";
import type { GenerationResult, UnsuccessfulResult } from "../job/generation-result.ts";
import { formatResultEntry } from "../job/result-entry.ts";
import { dayOf, formatDoneField, picoUsdOf } from "../job/usage-counters.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { controlKeys } from "./keys.ts";

/** A job id to be taken. */
export interface ClaimRequest {
  readonly id: string;
  readonly payloadHash: string;
  readonly lane: string;
  /** Content hash of the agent. */
  readonly snapshot: string;
  readonly agentId: string;
  readonly kind: JobKind;
  /** The agent has several prompts that take turns. */
  readonly rotates: boolean;
}

export interface Claim {
  /**
   * `queued`: claimed before with the same payload, not finished. `reopened`: it had failed, and runs again. `conflict`:
   * claimed with another payload.
   */
  readonly answer: "new" | "reopened" | "queued" | "settled" | "conflict";
  /** As recorded by the first claim. */
  readonly lane: string;
  readonly snapshot: string;
  readonly turn: number;
}

export interface ClaimBatch {
  readonly requests: readonly ClaimRequest[];
  readonly lanes: LaneTable;
  /** The bulk run that all of them belong to. */
  readonly run?: string | undefined;
  /** Jobs that have failed or expired run again, as their next generation. Default: false. */
  readonly retryFailed?: boolean | undefined;
}

/** Lane name → its chain as people read it. */
export type LaneTable = ReadonlyMap<string, string>;

/** Snapshots outlive every job that refers to them by far, and are written again whenever they are used. */
const SNAPSHOT_TTL_MS = 90 * 24 * 3600 * 1000;
const FIELDS_PER_CLAIM = 4;

const LIBRARIES = ["results", "runs"];
const claimScript = loadLuaScript(new URL("./scripts/claim.lua", import.meta.url), LIBRARIES);
const cancelScript = loadLuaScript(new URL("./scripts/cancel.lua", import.meta.url), LIBRARIES);

/** Takes ids in one atomic step; replies in the order of `requests`. */
export async function claimJobs(redis: RedisClient, namespace: string, batch: ClaimBatch): Promise<Claim[]> {
  const keys = controlKeys(namespace);
  const reply = (await claimScript.run(
    redis,
    [keys.lanes, keys.turns, ...batch.requests.map(({ id }) => keys.job(id))],
    [
      batch.lanes.size,
      ...[...batch.lanes].flat(),
      ...[batch.run ?? "", batch.retryFailed === true ? 1 : 0, keys.run("")],
      ...batch.requests.flatMap((job) => [
        job.payloadHash,
        job.lane,
        job.snapshot,
        job.agentId,
        job.kind,
        job.rotates ? 1 : 0,
      ]),
    ],
  )) as string[];
  return batch.requests.map((_, index): Claim => {
    const [answer, lane = "", snapshot = "", turn] = reply.slice(
      index * FIELDS_PER_CLAIM,
      (index + 1) * FIELDS_PER_CLAIM,
    );
    return { answer: answer as Claim["answer"], lane, snapshot, turn: Number(turn) };
  });
}

export type CancelReply = "unknown" | "cancelled" | "cancelling" | "calling" | "settled";

export interface CancelManner {
  /** A job that a worker is calling for is left alone: its text may be about to come. Default: false. */
  readonly sparesCalls?: boolean;
  /** Goes into the reason of the result. */
  readonly because?: string;
}

interface CancelOptions extends CancelManner {
  readonly jobId: string;
  /** How long the record is kept. */
  readonly resultsMs: number;
  /** How long daily counters are kept. */
  readonly countersMs: number;
  /** Epoch ms. */
  readonly now: number;
}

/** Ends the job at once when no worker is calling for it; otherwise its worker is told, and writes the record. */
export async function cancelJob(redis: RedisClient, namespace: string, options: CancelOptions): Promise<CancelReply> {
  const keys = controlKeys(namespace);
  const { jobId } = options;
  for (;;) {
    const job = await redis.hgetall(keys.job(jobId));
    const record = cancelledRecord(job, options);
    const args = [JSON.stringify(record), job["attempts"] ?? 0, options.resultsMs];
    const channels = [keys.settledChannel, keys.cancelledChannel];
    const reply = await cancelScript.run(
      redis,
      [keys.job(jobId), keys.results, keys.resultsOf(record.agentId), keys.usageTexts(dayOf(record.finishedAt))],
      [
        ...[...args, ...channels, jobId, options.sparesCalls === true ? 1 : 0, runCostOf(record), keys.run("")],
        ...[formatResultEntry(record), formatDoneField(record), options.countersMs],
      ],
    );
    if (reply !== "outdated") return reply as CancelReply;
  }
}

/** What a bulk run counts of a record: pico-USD, or nothing when the price is not known. */
export function runCostOf({ costMicroUsd }: Pick<GenerationResult, "costMicroUsd">): string | number {
  return costMicroUsd === null ? "" : picoUsdOf(costMicroUsd);
}

function cancelledRecord(
  job: Readonly<Record<string, string>>,
  { jobId, now, because }: CancelOptions,
): UnsuccessfulResult {
  const rows: UsageRecord[] = [];
  for (let attempt = 1 + Number(job["base"] ?? 0); attempt <= Number(job["attempts"] ?? 0); attempt++) {
    const row = job[`row:${attempt}`];
    if (row !== undefined) rows.push(JSON.parse(row) as UsageRecord);
  }
  const reason = rows.length === 0 ? "cancelled before a provider was called" : "cancelled while it waited";
  return {
    status: "cancelled",
    id: jobId,
    agentId: job["agent"] ?? "",
    kind: (job["kind"] ?? "") as JobKind,
    attempts: rows.map(summaryOf),
    costMicroUsd: totalCostMicroUsd(rows),
    finishedAt: now,
    reason: because === undefined ? reason : `${reason}: ${because}`,
  };
}

export async function storeSnapshot(
  redis: RedisClient,
  namespace: string,
  { hash, json }: AgentSnapshot,
): Promise<void> {
  await redis.set(controlKeys(namespace).snapshot(hash), json, "PX", SNAPSHOT_TTL_MS);
}

export async function isSnapshotKept(redis: RedisClient, namespace: string, hash: string): Promise<boolean> {
  return (await redis.exists(controlKeys(namespace).snapshot(hash))) === 1;
}

/** @returns `null` when Redis does not have it */
export async function readSnapshot(redis: RedisClient, namespace: string, hash: string): Promise<Agent | null> {
  const json = await redis.get(controlKeys(namespace).snapshot(hash));
  return json === null ? null : (JSON.parse(json) as Agent);
}

/** The agent as a job runs it. @returns `null` when there is no such job, or its snapshot is gone */
export async function readAgentOfJob(redis: RedisClient, namespace: string, jobId: string): Promise<Agent | null> {
  const hash = await redis.hget(controlKeys(namespace).job(jobId), "snapshot");
  return hash === null ? null : await readSnapshot(redis, namespace, hash);
}

/** Whether the id was ever enqueued and is still remembered. */
export async function isJobKnown(redis: RedisClient, namespace: string, jobId: string): Promise<boolean> {
  return (await redis.exists(controlKeys(namespace).job(jobId))) === 1;
}

export interface AgentSnapshot {
  readonly hash: string;
  readonly json: string;
}

export function snapshotOf(agent: Agent): AgentSnapshot {
  const json = canonicalJson(agent);
  return { hash: contentHash(json), json };
}

export function payloadHashOf(agentId: string, payload: JobPayload): string {
  return contentHash(canonicalJson({ agentId, payload }));
}

/** 128 bits: enough to tell a billion payloads apart, and half the memory of a whole SHA-256. */
function contentHash(text: string): string {
  return crypto.hash("sha256", text).slice(0, 32);
}

/** JSON with sorted keys: the same content has the same text whatever order it was written in. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
