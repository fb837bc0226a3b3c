import type { AdmitReply, Grant } from "../admission/admission.ts";
import type { Agent, ChainMember } from "../agents/agent.ts";
import { capTokensOf, intentOf, requestOf } from "../generation/attempt.ts";
import { endRun } from "../generation/conclude.ts";
import type { Step } from "../generation/decide.ts";
import { inputBytesOf } from "../generation/input-bytes.ts";
import { unsuccessfulResult } from "../generation/results.ts";
import { memberFor } from "../generation/run-generation.ts";
import type { BatchRecord } from "../job/batch-record.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import { discounted } from "../models/prices.ts";
import type { BatchRows } from "../providers/batch.ts";
import type { GenerateRequest } from "../providers/provider.ts";
import { groupOf, runOf, type BatchDependencies, type BatchTarget } from "./batch-run.ts";
import type { BatchRow } from "./batch-store.ts";

const FIRST_CALL: Step & { do: "call" } = { do: "call", member: 0, request: "generate", omit: [] };
const DAY_MS = 24 * 3600_000;

/**
 * Passes every row of a batch through ADMIT, and sorts out those that must not, or cannot, be sent.
 * @returns the rows that are in it
 */
export async function admitRows(
  batch: BatchRecord,
  target: BatchTarget,
  deps: BatchDependencies,
): Promise<ReadonlyMap<string, BatchRow>> {
  const admitted = new Map<string, BatchRow>();
  let bytes = 0;
  for (const [customId, row] of await deps.store.rows(batch.id)) {
    const fits = bytes < target.api.maxBytes / 2;
    const known = row.admitted === undefined && fits ? await admitRow(row, target, deps) : row;
    if (known === "back" || (row.admitted === undefined && !fits)) {
      await deps.store.reopen(groupOf(batch), row, deps.clock.now());
    }
    if (typeof known === "string" || known.admitted === undefined) {
      await deps.store.dropRow(batch.id, customId);
      continue;
    }
    if (row.admitted === undefined) await deps.store.noteRow(batch.id, customId, known);
    admitted.set(customId, known);
    bytes += known.admitted.grant.inputBytes;
  }
  return admitted;
}

/** `back`: it waits for another batch. `gone`: it has ended, or goes on in its lane. */
async function admitRow(
  { job }: BatchRow,
  target: BatchTarget,
  deps: BatchDependencies,
): Promise<BatchRow | "back" | "gone"> {
  const agent = await deps.agentOf(job);
  if (agent === null) return await goOn(job, agent, deps);
  const { generation, clock } = deps;
  const member = memberFor(job, agent.chain[0]);
  const { provider, model } = member;
  const messages = generation.buildMessages(agent, job);
  const capTokens = capTokensOf(member, FIRST_CALL, generation);
  const inputBytes = inputBytesOf(messages);
  const size = { agentId: job.agentId, kind: job.input.kind, provider, model, inputBytes, capTokens };
  const tokens = { ...generation.estimator.estimate(size), inputBytes };
  const prices = discounted(generation.prices, target.api.priceFactor);
  const parts = { job, member, step: FIRST_CALL, attempt: 1, inputBytes, capTokens, tokens };
  const intent = { ...intentOf(parts, { ...generation, prices }), delivery: "batch" as const };
  const { credential, limitGroup } = target.target;
  const reply = await deps.admission.admit({
    ...{ intent, tokens, capTokens, lane: "batch", timeoutMs: DAY_MS, knownAttempts: 0, deliveries: 0 },
    targets: [{ credential, limitGroup: `${limitGroup}:batch` }],
    isOverdue: job.deadlineAt !== null && clock.now() >= job.deadlineAt,
  });
  if (reply.answer === "granted") return { job, admitted: { grant: withKey(reply, target), size } };
  return await withoutGrant(reply, { job, agent }, deps);
}

function withKey(grant: Grant, { target }: BatchTarget): Grant {
  return { ...grant, intent: { ...grant.intent, keyId: target.keyId } };
}

interface Denied {
  readonly job: GenerationJob;
  readonly agent: Agent;
}

async function withoutGrant(
  reply: Exclude<AdmitReply, Grant>,
  { job, agent }: Denied,
  deps: BatchDependencies,
): Promise<"back" | "gone"> {
  switch (reply.answer) {
    case "settled":
      return "gone";
    case "cancelled": {
      const run = runOf(job, agent, deps);
      await endRun(run, unsuccessfulResult(run, "cancelled", "cancelled before its batch was sent"));
      return "gone";
    }
    case "unavailable":
      // What an operator has paused, or calls under way hold, may be there again for the next batch.
      if (reply.why === "paused" || reply.why === "budget-reserved") return "back";
      return await goOn(job, agent, deps);
    case "refused":
    case "overdue":
    case "history":
      return await goOn(job, agent, deps);
    default:
      return reply satisfies never;
  }
}

async function goOn(job: GenerationJob, agent: Agent | null, { toLane }: BatchDependencies): Promise<"gone"> {
  await toLane(job, agent);
  return "gone";
}

/** What the vendor is asked; rows whose agents are gone are left out. */
export async function requestsOf(rows: ReadonlyMap<string, BatchRow>, deps: BatchDependencies): Promise<BatchRows> {
  const requests = new Map<string, GenerateRequest>();
  for (const [customId, { job, admitted }] of rows) {
    const agent = await deps.agentOf(job);
    if (agent === null || admitted === undefined) continue;
    const member: ChainMember = memberFor(job, agent.chain[0]);
    const messages = deps.generation.buildMessages(agent, job);
    const { capTokens } = admitted.size;
    const parts = { intent: admitted.grant.intent, member, step: FIRST_CALL, messages, capTokens };
    requests.set(customId, requestOf(parts, null, deps.generation));
  }
  return requests;
}
