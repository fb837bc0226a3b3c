import { randomBytes } from "node:crypto";
import type { Agent } from "../agents/agent.ts";
import type { GenerationJob } from "../job/generation-job.ts";
import { takeStep } from "./batch-steps.ts";
import { targetOf, type BatchDependencies, type BatchTarget } from "./batch-run.ts";
import { groupName, parseGroup } from "./batch-store.ts";
import { areStranded, endStranded, isLost } from "./give-up-batch.ts";

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
  for (const { id, ...batch } of await deps.store.underWay()) {
    if (signal.aborted) return;
    const target = targetOf(batch, deps);
    if (target === undefined ? !areStranded(batch.createdAt, deps) : batch.nextLookAt > deps.clock.now()) continue;
    await lookAt(id, target, { deps, signal }).catch(async (error: unknown) => {
      if (signal.aborted) return;
      // One that cannot be worked on keeps nobody from the others.
      deps.logger.warn({ batch: id, err: error }, "the batch could not be looked after");
      await deps.store.update(id, { nextLookAt: deps.clock.now() + deps.settings.pollMs });
    });
  }
}

async function lookAt(
  id: string,
  target: BatchTarget | undefined,
  { deps, signal }: { readonly deps: BatchDependencies; readonly signal: AbortSignal },
): Promise<void> {
  const keep = async (): Promise<boolean> => await deps.store.lease(id, deps.workerId, LEASE_MS);
  const stay = async (): Promise<void> => {
    if (!(await keep())) throw new Error("another process has the batch");
  };
  if (!(await keep())) return;
  // Uploading takes minutes.
  const renewal = setInterval(() => void keep().catch(() => undefined), LEASE_MS / 4);
  try {
    // As it is now that nobody else works on it.
    const batch = await deps.store.read(id);
    if (batch === null || batch.endedAt !== null || batch.nextLookAt > deps.clock.now()) return;
    if (target !== undefined) await takeStep({ batch, target, deps, signal, stay });
    else if (batch.submittingAt === null || isLost(batch, deps.clock.now())) await endStranded(batch, deps);
  } finally {
    clearInterval(renewal);
    await deps.store.release(id, deps.workerId);
  }
}

async function formBatches(deps: BatchDependencies): Promise<void> {
  const { store, settings, clock } = deps;
  for (const { group, sinceAt, rows } of await store.openGroups()) {
    const target = targetOf(parseGroup(group), deps);
    const mostRows = Math.min(settings.maxRows, target?.api.maxRows ?? settings.maxRows);
    const isFull = target !== undefined && rows >= mostRows;
    const isDue = target === undefined ? areStranded(sinceAt, deps) : clock.now() - sinceAt >= settings.collectMs;
    if (!(isDue || isFull) || !(await store.lease(group, deps.workerId, LEASE_MS))) continue;
    await store.form(group, { id: `pb${randomBytes(6).toString("hex")}`, mostRows, now: clock.now() });
    await store.release(group, deps.workerId);
  }
}
