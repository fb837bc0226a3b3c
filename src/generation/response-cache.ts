import type { Agent, CacheRule } from "../agents/agent.ts";
import type { FinishedText } from "../job/draft.ts";
import type { GenerationJob, JobKind } from "../job/generation-job.ts";
import type { CacheUse } from "../job/generation-result.ts";
import type { ChatMessage } from "../providers/provider.ts";

/** Texts that may be given again for the very same request. */
export interface ResponseCache {
  /** One atomic step: of identical requests of the same time one is told to lead, and the others to come back. */
  lookUp(request: CacheRequest, asker: CacheAsker): Promise<CacheAnswer>;
  /** Ends the lead. @param rule how long the text counts as fresh, and is kept beyond that */
  store(request: CacheRequest, text: FinishedText, rule: CacheRule): Promise<void>;
  /** The leader has no text: another may try. */
  leave(request: CacheRequest, jobId: string): Promise<void>;
  /** A text past its time, if it is still kept. */
  stale(request: CacheRequest): Promise<FinishedText | null>;
}

export interface CacheRequest {
  /** Whose text it is, and for whom hits are counted. */
  readonly agentId: string;
  /** Everything that shapes the answer, as text. */
  readonly shape: string;
}

export interface CacheAsker {
  readonly jobId: string;
  /** Epoch ms: a text that is younger is one that the job was waiting for. */
  readonly enqueuedAt: number;
  readonly kind: JobKind;
  /** How long the others wait for a leader of whom nothing is heard. */
  readonly leadMs: number;
}

export type CacheAnswer =
  | { readonly is: "hit"; readonly use: Exclude<CacheUse, "stale">; readonly text: FinishedText }
  | { readonly is: "lead" }
  /** Somebody else is being asked the same. */
  | { readonly is: "wait"; readonly forMs: number };

/** How one job may use the cache. */
export interface CacheTicket {
  readonly request: CacheRequest;
  readonly rule: CacheRule;
}

/**
 * @param standard for jobs and agents that ask for the cache and do not say more
 * @returns `null`: this job takes no earlier text
 */
export function cacheTicketOf(
  { job, agent }: { readonly job: GenerationJob; readonly agent: Agent },
  messages: readonly ChatMessage[],
  standard: CacheRule,
): CacheTicket | null {
  const { kind } = job.input;
  const isWanted = job.cache ?? agent.cache?.kinds.includes(kind) ?? false;
  if (!isWanted) return null;
  const { id, chain, handle, lengthLimit } = agent;
  const posts = job.input.kind === "thread" ? job.input.posts : 1;
  return {
    request: {
      agentId: id,
      shape: JSON.stringify([id, kind, posts, messages, chain, handle ?? null, lengthLimit ?? null]),
    },
    rule: { ttlMs: agent.cache?.ttlMs ?? standard.ttlMs, staleMs: agent.cache?.staleMs ?? standard.staleMs },
  };
}
