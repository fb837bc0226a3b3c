import type { Queue } from "bullmq";
import {
  claimJobs,
  isSnapshotKept,
  payloadHashOf,
  snapshotOf,
  storeSnapshot,
  type AgentSnapshot,
  type Claim,
} from "../admission/claims.ts";
import type { Agent } from "../agents/agent.ts";
import { expectedAgent } from "../agents/load-agents.ts";
import {
  isCheckedJob,
  JOB_VERSION,
  parseJobInput,
  payloadOf,
  type GenerationJob,
  type JobInput,
  type JobPayload,
  type ParsedJobInput,
  type Urgency,
} from "../job/generation-job.ts";
import type { Clock } from "../platform/clock.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import { InvalidInputError, showValue } from "../platform/problem.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { JOB_NAME, queueJobId, queueOptions } from "./job-codec.ts";
import type { LaneQueues } from "./lane-queues.ts";
import { BATCH, laneOf, type Lane } from "./lane.ts";

export interface EnqueueContext {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly defaultAgent: Agent;
  readonly queues: LaneQueues;
  readonly clock: Clock;
  readonly newId: () => string;
  /** For jobs that name none; replies are always `reply`. */
  readonly defaultUrgency: Urgency;
  /** The bulk run that the jobs belong to. */
  readonly run?: string | undefined;
  /** See `ClaimBatch`. */
  readonly retryFailed?: boolean | undefined;
  /** Snapshot hash → when it was stored last. */
  readonly storedSnapshots: Map<string, number>;
}

/** A job that was accepted. It will have exactly one result. */
export interface EnqueuedJob {
  readonly id: string;
  readonly lane: string;
  /**
   * - `enqueued`: it is new.
   * - `already-enqueued`: the same job was accepted before and is not finished; it was not doubled.
   * - `already-finished`: the same job has its result; nothing runs again.
   */
  readonly status: "enqueued" | "already-enqueued" | "already-finished";
}

export type BatchOutcome =
  | { readonly accepted: true; readonly job: EnqueuedJob }
  | { readonly accepted: false; readonly id: string | null; readonly error: InvalidInputError | JobConflictError };

/** The id is taken by a job with another payload. */
export class JobConflictError extends Error {
  override readonly name = "JobConflictError";
  readonly jobId: string;

  constructor(jobId: string) {
    super(`job ${jobId}: the id belongs to a job with another payload; give this one another id`);
    this.jobId = jobId;
  }
}

/** A checked job on its way to being claimed. */
interface Candidate {
  readonly id: string;
  /** The id was given, and so may have been used before. */
  readonly isNamed: boolean;
  readonly agent: Agent;
  readonly payload: JobPayload;
  readonly urgency: Urgency;
  readonly deadlineAt: number | null;
  readonly rest: Pick<GenerationJob, "delivery" | "cache" | "run">;
  readonly snapshot: AgentSnapshot;
  readonly lane: Lane;
}

/** A thousand EXISTS one by one cost the producer more than everything else about a batch. */
const existScript = loadLuaScript(new URL("./scripts/which-exist.lua", import.meta.url));

/** Checks, claims and adds a batch. @returns an outcome for each input, in order. */
export async function enqueueBatch(inputs: readonly JobInput[], context: EnqueueContext): Promise<BatchOutcome[]> {
  const compiled = new Map<Agent, { snapshot: AgentSnapshot; lane: Lane }>();
  const prepared = inputs.map((input) => prepare(input, compiled, context));
  const candidates = prepared.filter((item): item is Candidate => !(item instanceof InvalidInputError));
  // In one round trip; nobody needs the snapshots before the jobs are in their lanes.
  const [claims] = await Promise.all([claim(candidates, context), storeSnapshots(candidates, context)]);
  await addToLanes(candidates, claims, context);
  let next = 0;
  return prepared.map((item, index): BatchOutcome => {
    if (item instanceof InvalidInputError) return { accepted: false, id: idOf(inputs[index]), error: item };
    return outcomeOf(item, claims[next++] as Claim);
  });
}

function idOf(input: JobInput | undefined): string | null {
  const id = (input as { id?: unknown } | undefined)?.id;
  return typeof id === "string" ? id : null;
}

type Compiled = Map<Agent, { snapshot: AgentSnapshot; lane: Lane }>;

function prepare(input: JobInput, compiled: Compiled, context: EnqueueContext): Candidate | InvalidInputError {
  try {
    const parsed = isCheckedJob(input) ? input : parseJobInput(input);
    const agent = agentOf(parsed, context);
    const known = compiled.get(agent) ?? { snapshot: snapshotOf(agent), lane: laneOf(agent) };
    compiled.set(agent, known);
    return {
      id: parsed.id ?? context.newId(),
      isNamed: parsed.id !== undefined,
      agent,
      payload: payloadOf(parsed),
      urgency: urgencyOf(parsed, context),
      deadlineAt: parsed.deadline ?? null,
      rest: restOf(parsed, context),
      ...known,
      lane: parsed.delivery === "batch" ? BATCH : known.lane,
    };
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
}

/** What most jobs do not have is left out: a million of them are in Redis. */
function restOf({ delivery, cache }: ParsedJobInput, { run }: EnqueueContext): Candidate["rest"] {
  return {
    ...(delivery === undefined || delivery === "live" ? {} : { delivery }),
    ...(cache === undefined ? {} : { cache }),
    ...(run === undefined ? {} : { run }),
  };
}

function agentOf(input: ParsedJobInput, { agents, defaultAgent }: EnqueueContext): Agent {
  if (input.agent === undefined) return defaultAgent;
  const agent = agents.get(input.agent);
  if (agent !== undefined) return agent;
  const expected = expectedAgent(input.agent, agents.keys());
  throw new InvalidInputError([{ source: "job", path: "agent", got: showValue(input.agent), expected }]);
}

/** Somebody waits for a reply, however it was enqueued. */
function urgencyOf(input: ParsedJobInput, context: EnqueueContext): Urgency {
  return input.urgency ?? (input.kind === "reply" ? "reply" : context.defaultUrgency);
}

/** Stored snapshots live for months; once an hour is plenty to keep those alive that are in use. */
const SNAPSHOT_REFRESH_MS = 3600_000;

async function storeSnapshots(
  candidates: readonly Candidate[],
  { redis, namespace, storedSnapshots, clock }: EnqueueContext,
): Promise<void> {
  const now = clock.now();
  const due = new Map(candidates.map(({ snapshot }) => [snapshot.hash, snapshot]));
  const recent: string[] = [];
  for (const hash of due.keys()) {
    if (now - (storedSnapshots.get(hash) ?? -Infinity) < SNAPSHOT_REFRESH_MS) recent.push(hash);
  }
  // A purge removes them whenever it likes.
  const isKept = await Promise.all(recent.map((hash) => isSnapshotKept(redis, namespace, hash)));
  recent.forEach((hash, index) => isKept[index] === true && due.delete(hash));
  await Promise.all([...due.values()].map((snapshot) => storeSnapshot(redis, namespace, snapshot)));
  for (const hash of due.keys()) storedSnapshots.set(hash, now);
}

async function claim(
  candidates: readonly Candidate[],
  { redis, namespace, run, retryFailed }: EnqueueContext,
): Promise<Claim[]> {
  if (candidates.length === 0) return [];
  const requests = candidates.map(({ id, agent, payload, snapshot, lane }) => ({
    id,
    payloadHash: payloadHashOf(agent.id, payload),
    lane: lane.name,
    snapshot: snapshot.hash,
    agentId: agent.id,
    kind: payload.kind,
    rotates: agent.prompt.from === "rotating",
  }));
  const lanes = new Map(candidates.map(({ lane }) => [lane.name, lane.chain]));
  return await claimJobs(redis, namespace, { requests, lanes, run, retryFailed });
}

/**
 * Adds what is new, and once more what was claimed and never finished: a producer may have died between its claim and
 * its add. BullMQ ignores the second add of an id in the same queue, which is why the recorded lane counts.
 */
async function addToLanes(
  candidates: readonly Candidate[],
  claims: readonly Claim[],
  context: EnqueueContext,
): Promise<void> {
  const byLane = new Map<string, { jobs: GenerationJob[]; newIds: string[] }>();
  candidates.forEach((candidate, index) => {
    const claimed = claims[index] as Claim;
    if (claimed.answer === "conflict" || claimed.answer === "settled") return;
    const lane = byLane.get(claimed.lane) ?? { jobs: [], newIds: [] };
    lane.jobs.push(jobOf(candidate, claimed, context.clock.now()));
    // With retries a job may have been reopened, and its producer have died before it was added.
    const mayBeLeft = claimed.answer === "new" ? candidate.isNamed : context.retryFailed === true;
    if (mayBeLeft) lane.newIds.push(candidate.id);
    byLane.set(claimed.lane, lane);
  });
  await Promise.all(
    [...byLane].map(async ([laneName, { jobs, newIds }]) => {
      const queue = context.queues.get(laneName);
      await removeForgotten(context.redis, queue, newIds);
      await queue.addBulk(jobs.map((job) => ({ name: JOB_NAME, data: job, opts: queueOptions(job) })));
    }),
  );
}

/**
 * An id whose claim is new can still have a finished job in a quiet lane, which BullMQ trims only when the next one
 * finishes there: its result is forgotten, and the new job must not be ignored for it.
 */
async function removeForgotten(redis: RedisClient, queue: Queue, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const keys = ids.map((id) => queue.toKey(queueJobId(id)));
  const found = (await existScript.run(redis, keys, [])) as number[];
  await Promise.all(found.map((position) => queue.remove(queueJobId(ids[position - 1] ?? ""))));
}

function jobOf(
  { id, agent, payload, urgency, deadlineAt, rest }: Candidate,
  { snapshot, turn }: Claim,
  enqueuedAt: number,
): GenerationJob {
  return {
    version: JOB_VERSION,
    id,
    agentId: agent.id,
    snapshot,
    turn,
    urgency,
    enqueuedAt,
    deadlineAt,
    ...rest,
    input: payload,
  };
}

function outcomeOf({ id }: Candidate, { answer, lane }: Claim): BatchOutcome {
  switch (answer) {
    case "conflict":
      return { accepted: false, id, error: new JobConflictError(id) };
    case "new":
    case "reopened":
      return { accepted: true, job: { id, lane, status: "enqueued" } };
    case "queued":
      return { accepted: true, job: { id, lane, status: "already-enqueued" } };
    case "settled":
      return { accepted: true, job: { id, lane, status: "already-finished" } };
  }
}
