import type { SucceededResult } from "../job/generation-result.ts";
import { succeededResult } from "./results.ts";
import { cacheTicketOf } from "./response-cache.ts";
import type { Review } from "./review.ts";
import type { Run, RunOutcome } from "./run.ts";

/** So much longer than its calls may take a leader is waited for. */
const LEAD_MARGIN_MS = 5000;

/**
 * Ends a job with an earlier text, if it may have one and there is one.
 * @returns `null`: it must be written
 */
export async function takeFromCache(run: Run): Promise<RunOutcome | null> {
  const { job, agent, deps } = run;
  const mayAsk = job.cache === true || (job.cache !== false && agent.cache !== undefined);
  if (!mayAsk) return null;
  run.messages ??= deps.buildMessages(agent, job);
  run.ticket = cacheTicketOf(run, run.messages, deps.policy.cache);
  // It has called before: its result tells what that has cost.
  if (run.deliveries > 0) return null;
  const isOverdue = job.deadlineAt !== null && deps.clock.now() >= job.deadlineAt;
  if (run.ticket === null || isOverdue || run.signal.aborted) return null;
  const leadMs = agent.chain.reduce((sum, { timeoutMs }) => sum + timeoutMs, LEAD_MARGIN_MS);
  const { id: jobId, agentId, enqueuedAt } = job;
  const asker = { jobId, kind: job.input.kind, enqueuedAt, leadMs };
  const answer = await deps.cache.lookUp(run.ticket.request, asker);
  switch (answer.is) {
    case "lead":
      return null;
    case "wait":
      return { outcome: "wait", untilAt: deps.clock.now() + answer.forMs, blocked: "no" };
    case "hit": {
      const terminal = succeededResult(run, { text: answer.text, similarTo: null }, answer.use);
      const ending = { jobId, agentId, row: null, report: null, terminal, pause: null, deliveries: run.deliveries };
      const { record } = await deps.admission.settle(ending);
      return { outcome: "ended", record: record ?? terminal };
    }
  }
}

/** The job has ended: others that wait for its text can have it, or must ask themselves. */
export async function leaveInCache({ ticket, deps, job }: Run, judged: Review | null): Promise<void> {
  if (ticket === null) return;
  if (judged?.is === "final") await deps.cache.store(ticket.request, judged.text, ticket.rule);
  else await deps.cache.leave(ticket.request, job.id);
}

/** Every provider has failed: a text past its time is better than none, if its owner thinks so. */
export async function staleResult(run: Run): Promise<SucceededResult | null> {
  const { ticket, deps } = run;
  if (ticket === null || ticket.rule.staleMs <= 0) return null;
  const text = await deps.cache.stale(ticket.request);
  return text === null ? null : succeededResult(run, { text, similarTo: null }, "stale");
}
