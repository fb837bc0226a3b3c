import { createHash } from "node:crypto";
import { thousandthsOf, type FeedbackReply, type ScoredJob } from "../job/feedback.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import { dayOf, FEEDBACK_COUNTERS, formatCounterField } from "../job/usage-counters.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { controlKeys } from "./keys.ts";

export interface FeedbackOptions extends ScoredJob {
  /** How long daily counters are kept. */
  readonly countersMs: number;
}

const feedbackScript = loadLuaScript(new URL("./scripts/feedback.lua", import.meta.url));

/**
 * Gives a job its score, and counts it for the provider and model that wrote the text, for the agent, and for the day
 * (UTC) on which the result was finished.
 */
export async function storeFeedback(
  redis: RedisClient,
  namespace: string,
  { id, score, countersMs }: FeedbackOptions,
): Promise<FeedbackReply> {
  const keys = controlKeys(namespace);
  for (;;) {
    const json = await redis.hgetBuffer(keys.job(id), "result");
    const { agentId, day, provider, model } = originOf(json);
    const fields = FEEDBACK_COUNTERS.map((name) => formatCounterField({ provider, model, name }));
    const reply = await feedbackScript.run(
      redis,
      [keys.job(id), keys.usageDay(day), keys.usageOfAgent(day, agentId), keys.usageAgents(day)],
      [json === null ? "" : sha1(json), thousandthsOf(score), ...fields, agentId, countersMs],
    );
    if (reply !== "outdated") return reply as FeedbackReply;
  }
}

interface Origin {
  readonly agentId: string;
  readonly day: string;
  readonly provider: string;
  readonly model: string;
}

/** Without a text nothing is counted, whatever this says. */
function originOf(json: Buffer | null): Origin {
  const result = json === null ? null : (JSON.parse(json.toString()) as GenerationResult);
  if (result?.status !== "succeeded") return { agentId: "", day: "", provider: "", model: "" };
  const { agentId, finishedAt, provider, model } = result;
  return { agentId, day: dayOf(finishedAt), provider, model };
}

/** As the script works it out. */
function sha1(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}
