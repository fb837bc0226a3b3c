import { Queue } from "bullmq";
import { controlKeys } from "../src/admission/keys.ts";
import type { Agent } from "../src/agents/agent.ts";
import type { CompileOptions } from "../src/agents/compile-agent.ts";
import { parseAgentObject } from "../src/agents/parse-agent.ts";
import { composeProducer } from "../src/compose.ts";
import { loadConfig } from "../src/config/load-config.ts";
import type { TweetInput, Urgency } from "../src/job/generation-job.ts";
import { createCatalogue } from "../src/models/model-catalogue.ts";
import { PROVIDERS } from "../src/providers/registry.ts";
import { laneOf, lanePrefix } from "../src/queue/lane.ts";
import type { Producer } from "../src/queue/producer.ts";
import { MODEL, SYSTEM_PROMPT, TOPIC } from "./prompt.ts";
import type { BenchRedis } from "./with-redis.ts";

const COMPILE_OPTIONS: CompileOptions = {
  defaultModel: () => MODEL,
  knownProviders: PROVIDERS.map(({ id }) => id),
  catalogue: createCatalogue(PROVIDERS),
  retiredModels: "warn",
  now: Date.now(),
};

/** @param file fields of an agent file; default: OpenAI's model with nothing to fall back on */
export function benchAgent(id = "bench", file: Readonly<Record<string, unknown>> = {}): Agent {
  const fields = { id, name: "Bench", custom_system_prompt: SYSTEM_PROMPT, llm_config: { model: MODEL }, ...file };
  return parseAgentObject("agent", fields, COMPILE_OPTIONS).agent;
}

/**
 * Makes the agents' lanes known before the first job, so that a worker that starts serves them at once: it looks for new
 * ones only once a second.
 */
export async function benchProducer(
  redis: BenchRedis,
  namespace: string,
  agents: readonly [Agent, ...Agent[]],
): Promise<Producer> {
  for (const lane of agents.map(laneOf)) {
    await redis.connection.hset(controlKeys(namespace).lanes, lane.name, lane.chain);
  }
  const config = loadConfig({ environment: {}, directory: "/", isTerminal: false });
  return composeProducer({
    config: { ...config, namespace },
    address: { path: redis.path },
    agents: new Map(agents.map((agent) => [agent.id, agent])),
  });
}

export function tweets(agent: Agent, ids: readonly string[], urgency: Urgency = "bulk"): TweetInput[] {
  return ids.map((id) => ({ kind: "tweet", id, agent: agent.id, urgency, context: { topic: TOPIC } }));
}

export function jobIds(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** BullMQ's queue of an agent's lane. */
export function laneQueue({ connection }: BenchRedis, namespace: string, agent: Agent): Queue {
  const lane = laneOf(agent).name;
  return new Queue(lane, { connection, prefix: lanePrefix(namespace, lane) });
}

/** Resolves when all have ended. @returns how many have no text, those included that have not ended within `withinMs` */
export async function countUnwritten(producer: Producer, ids: readonly string[], withinMs: number): Promise<number> {
  const signal = AbortSignal.timeout(withinMs);
  const results = await Promise.all(ids.map((id) => producer.result(id, { waitMs: Infinity, signal })));
  return results.filter((result) => result?.status !== "succeeded").length;
}
