import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type OpenAI from "openai";
import { MODEL, SYSTEM_PROMPT, TOPIC } from "./prompt.ts";
import type { BenchRedis } from "./with-redis.ts";

/** Queue of the bare processors. */
export const BARE_QUEUE = "bare";

export interface BareJob {
  readonly id?: string | undefined;
  readonly data: { readonly prompt: string };
}

/** One job as people write it: a call, and the text into Redis. */
export async function bareGenerate(job: BareJob, client: OpenAI, redis: Redis): Promise<void> {
  const completion = await client.chat.completions.create({
    model: MODEL,
    messages: [
      { role: "system", content: SYSTEM_PROMPT },
      { role: "user", content: job.data.prompt },
    ],
    max_completion_tokens: 280,
  });
  await redis.hset(`result:${job.id}`, "text", completion.choices[0]?.message.content ?? "");
}

export function bareQueue({ connection }: BenchRedis, namespace: string): Queue {
  return new Queue(BARE_QUEUE, { connection, prefix: `{${namespace}}` });
}

export async function fillBare(queue: Queue, jobs: number): Promise<void> {
  for (let first = 0; first < jobs; first += 1000) {
    const size = Math.min(1000, jobs - first);
    await queue.addBulk(
      Array.from({ length: size }, () => ({ name: "generate", data: { prompt: `Write a post about ${TOPIC}.` } })),
    );
  }
}
