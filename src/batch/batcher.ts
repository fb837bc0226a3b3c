import { randomBytes } from "node:crypto";
import type { Agent } from "../agents/agent.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import { takeStep } from "./batch-steps.ts";
import { targetOf, type BatchDependencies } from "./batch-run.ts";
import { groupName, parseGroup } from "./batch-store.ts";

/** Works on batches until it is stopped; every worker process has one, and each batch one at a time. */
export interface Batcher {
  /** A job for batch delivery: it waits for a batch, or goes on in its lane when none can take it. */
  file(job: GenerationJob, agent: Agent): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1000;
/** A worker that dies is followed by another so much later. */
const LEASE_MS = 60_000;

export function createBatcher(deps: BatchDependencies): Batcher {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  const loop = (): void => {
    if (stopping.signal.aborted) return;
    timer = setTimeout(
      () => {
        working = lookAround(deps, stopping.signal)
          .catch((error: unknown) => {
            if (!stopping.signal.aborted) deps.logger.debug({ err: error }, "batches could not be looked after");
          })
          .finally(loop);
      },
      Math.min(LOOK_EVERY_MS, deps.settings.pollMs),
    );
  };
  return {
    file: async (job, agent) => await file(job, agent, deps),
    start: loop,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await working;
    },
  };
}

async function file(job: GenerationJob, agent: Agent, deps: BatchDependencies): Promise<void> {
  const [{ provider, model }] = agent.chain;
  const target = deps.generation
    .provider(provider)
    ?.targets(model)
    .find(({ batch }) => batch !== null);
  const now = deps.clock.now();
  const isPressing = job.deadlineAt !== null && job.deadlineAt - now < deps.settings.leastMs;
  if (target === undefined || isPressing) {
    const why = isPressing ? "its deadline is near" : `${provider} has no batch API here`;
    deps.logger.info({ jobId: job.id }, `delivered live: ${why}`);
    return await deps.toLane(job, agent);
  }
  await deps.store.file(job, groupName({ provider, model, keyId: target.keyId }), now);
}

async function lookAround(deps: BatchDependencies, signal: AbortSignal): Promise<void> {
  await formBatches(deps);
  for (const batch of await deps.store.underWay()) {
    if (signal.aborted) return;
    const target = targetOf(batch, deps);
    if (target === undefined || batch.nextLookAt > deps.clock.now()) continue;
    const stay = async (): Promise<void> => {
      if (!(await deps.store.lease(batch.id, deps.workerId, LEASE_MS)))
        throw new Error("another process has the batch");
    };
    if (!(await deps.store.lease(batch.id, deps.workerId, LEASE_MS))) continue;
    // As it is now that nobody else works on it.
    const current = await deps.store.read(batch.id);
    if (current === null) continue;
    // Uploading takes minutes.
    const renewal = setInterval(() => void stay().catch(() => undefined), LEASE_MS / 4);
    try {
      await takeStep({ batch: current, target, deps, signal, stay });
    } finally {
      clearInterval(renewal);
    }
  }
}

async function formBatches(deps: BatchDependencies): Promise<void> {
  const { store, settings, clock } = deps;
  for (const { group, sinceAt, rows } of await store.openGroups()) {
    const target = targetOf(parseGroup(group), deps);
    if (target === undefined) continue;
    const mostRows = Math.min(settings.maxRows, target.api.maxRows);
    const isDue = clock.now() - sinceAt >= settings.collectMs || rows >= mostRows;
    if (!isDue || !(await store.lease(group, deps.workerId, LEASE_MS))) continue;
    await store.form(group, { id: `pb${randomBytes(6).toString("hex")}`, mostRows, now: clock.now() });
  }
}
