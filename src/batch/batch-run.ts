import type { Admission } from "../admission/admission.ts";
import type { Agent } from "../agents/agent.ts";
import type { ConfiguredTarget, GenerationDependencies, Run } from "../generation/run.ts";
import { newRun } from "../generation/new-run.ts";
import type { BatchRecord } from "../job/batch-record.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { BatchApi } from "../providers/batch.ts";
import { groupName, type BatchGroup, type BatchStore } from "./batch-store.ts";

export interface BatchSettings {
  /** How long jobs wait for others before their batch is sent; default 60 s. */
  readonly collectMs: number;
  /** How long after the last time the vendor is asked again; default 60 s, and longer each time. */
  readonly pollMs: number;
  /** Jobs whose deadline is nearer are not sent in batches; default 2 h. */
  readonly leastMs: number;
  /** Rows of a batch, at most; default 10,000. */
  readonly maxRows: number;
}

/** What working on batches needs. */
export interface BatchDependencies {
  readonly store: BatchStore;
  readonly generation: Omit<GenerationDependencies, "admission">;
  /** Without rate limits, and in the name of nobody who could die. */
  readonly admission: Admission;
  /** `null`: its snapshot is gone. */
  readonly agentOf: (job: GenerationJob) => Promise<Agent | null>;
  /** The job goes on in the lane of its chain. */
  readonly toLane: (job: GenerationJob, agent: Agent | null) => Promise<void>;
  readonly settings: BatchSettings;
  readonly workerId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A key that this process has, with its batch API. */
export interface BatchTarget {
  readonly target: ConfiguredTarget;
  readonly api: BatchApi;
}

/** `undefined`: this process cannot call it. */
export function targetOf(
  { provider, model, keyId }: BatchGroup,
  { generation }: Pick<BatchDependencies, "generation">,
): BatchTarget | undefined {
  const targets = generation.provider(provider)?.targets(model) ?? [];
  const target = targets.find((one) => one.keyId === keyId);
  return target === undefined || target.batch === null ? undefined : { target, api: target.batch };
}

export function groupOf({ provider, model, keyId }: Pick<BatchRecord, "provider" | "model" | "keyId">): string {
  return groupName({ provider, model, keyId });
}

/** A run of a row: nobody stops it, and it holds no place in a lane. */
export function runOf(job: GenerationJob, agent: Agent, { generation, admission }: BatchDependencies): Run {
  const input = {
    ...{ job, agent, deliveries: 0, lane: "batch", alone: false },
    signal: new AbortController().signal,
    onSlot: () => undefined,
  };
  const run = newRun(input, { ...generation, admission });
  run.knowsHistory = true;
  return run;
}
