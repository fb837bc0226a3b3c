import { createHash } from "node:crypto";
import type { Agent } from "../agents/agent.ts";
import { payloadOf, type JobInput, type ParsedJobInput } from "../job/generation-job.ts";
import { dropsLogitBias, variantOf } from "./variant.ts";
import { targetName, type Target } from "./targets.ts";

export interface PlanOptions {
  /** Ids of the texts begin with it. */
  readonly name: string;
  readonly jobs: readonly ParsedJobInput[];
  readonly targets: readonly Target[];
  /** `undefined`: the job names none. */
  readonly agentOf: (id: string | undefined) => Agent;
}

/** One text: a job, written by a target. */
export interface PlannedText {
  readonly id: string;
  /** Positions in the plan's lists. */
  readonly job: number;
  readonly target: number;
  readonly agent: Agent;
  /** Its `agent` is a key of `variants`. */
  readonly input: JobInput;
}

export interface ComparisonPlan {
  readonly name: string;
  readonly jobs: readonly ParsedJobInput[];
  readonly targets: readonly Target[];
  /** Job by job, within a job in the order of the targets. */
  readonly texts: readonly PlannedText[];
  /** The agents as a producer for this comparison knows them. They keep their own ids inside. */
  readonly variants: ReadonlyMap<string, Agent>;
  /** For people, one line each. */
  readonly notes: readonly string[];
}

/** Who compares waits for it: 15 minutes for a provider, by default, and not a day. */
const URGENCY = "scheduled";

export function planComparison({ name, jobs, targets, agentOf }: PlanOptions): ComparisonPlan {
  const variants = new Map<string, Agent>();
  const keys = new Map<string, string>();
  const newId = idMaker(name);
  const notes = new Set<string>();
  const texts = jobs.flatMap((job, jobIndex) => {
    const agent = agentOf(job.agent);
    const payload = JSON.stringify(payloadOf(job));
    return targets.map((target, targetIndex): PlannedText => {
      const variant = variantOf(agent, target, turnOf(payload));
      if (dropsLogitBias(agent, target)) notes.add(withoutBias(agent, target));
      const content = JSON.stringify(variant);
      const key = keys.get(content) ?? `variant-${keys.size}`;
      keys.set(content, key);
      variants.set(key, variant);
      const id = newId(target, content + payload);
      const input = { ...job, id, agent: key, urgency: job.urgency ?? URGENCY };
      return { id, job: jobIndex, target: targetIndex, agent: variant, input };
    });
  });
  return { name, jobs, targets, texts, variants, notes: [...notes] };
}

function withoutBias({ id }: Agent, target: Target): string {
  return `${targetName(target)} runs without the logit_bias of ${id}: its token ids mean something else to another model`;
}

/** By content alone: with a job more or less, the others have the prompts that they had. */
function turnOf(payload: string): number {
  return Number.parseInt(hashOf(payload), 16);
}

const LONGEST_TARGET_CHARACTERS = 48;

/**
 * `rain-openai-gpt-6-luna-3fa9c17b04de`. The hash is of everything that decides about the text, and its position is not:
 * where anything of agent, model or job has changed, an earlier text of the same name is not taken for this one. Jobs
 * that are the same in everything are numbered.
 */
function idMaker(name: string): (target: Target, content: string) => string {
  const counts = new Map<string, number>();
  return (target, content) => {
    const slug = targetName(target)
      .replace(/[^A-Za-z0-9]+/g, "-")
      .slice(0, LONGEST_TARGET_CHARACTERS);
    const id = `${name}-${slug}-${hashOf(content)}`;
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return count === 1 ? id : `${id}-${count}`;
  };
}

/** Enough to tell 10,000 texts apart, and few enough to be a number. */
const HASH_DIGITS = 12;

function hashOf(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, HASH_DIGITS);
}
