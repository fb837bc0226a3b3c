import type { JobKind } from "../job/generation-job.ts";
import type { ProviderId, SamplingParameters } from "../providers/provider.ts";

/** One provider + model of an agent's chain, with everything a call needs. All defaults are filled in. */
export interface ChainMember {
  readonly provider: ProviderId;
  readonly model: string;
  readonly parameters: SamplingParameters;
  /** Total deadline of one call; default 30,000. */
  readonly timeoutMs: number;
  /** What only this vendor understands (fake: `responseStyle`, `includePrompt`). */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Where the system prompt comes from, by precedence: the first that the agent file names. */
export type PromptSource =
  | { readonly from: "llm_config"; readonly text: string }
  | { readonly from: "rotating"; readonly texts: readonly [string, ...string[]] }
  | { readonly from: "custom"; readonly text: string }
  | { readonly from: "personality"; readonly text: string };

/**
 * An agent ready to run: what producers store under its content hash and jobs refer to. Plain JSON, no secrets.
 * The agent *file* (snake_case, as people write it) is in `agent-schema.ts`.
 */
export interface Agent {
  readonly id: string;
  readonly name: string;
  /** The primary first, then its fall-backs in order. Never empty, no provider + model twice. */
  readonly chain: readonly [ChainMember, ...ChainMember[]];
  readonly prompt: PromptSource;
  /** Its own name on X, without `@`. */
  readonly handle?: string;
  /** Most that a post may be, as X counts; absent: 280. */
  readonly lengthLimit?: number;
  /** False: its texts may be like others. Absent: they may not. */
  readonly variety?: boolean;
  /** Whether earlier answers to the very same request are taken, unless a job says otherwise; absent: no. */
  readonly cache?: AgentCache;
}

export interface CacheRule {
  /** How long a text may be given again. */
  readonly ttlMs: number;
  /** How much longer it may be given when every provider has failed; 0: not at all. */
  readonly staleMs: number;
}

/** What is left out is as the configuration file says. */
export interface AgentCache extends Partial<CacheRule> {
  readonly kinds: readonly JobKind[];
}
