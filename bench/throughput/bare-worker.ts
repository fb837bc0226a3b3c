/** The same work with nothing of ours: a BullMQ processor, the openai package with its global fetch, one HSET. */
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import OpenAI from "openai";
import { BARE_QUEUE, serve } from "./protocol.ts";

let worker: Worker | undefined;
let redis: Redis | undefined;

serve({
  async start({ redisPath, baseUrl, namespace, concurrency }) {
    const connection = new Redis({ path: redisPath, maxRetriesPerRequest: null });
    const client = new OpenAI({ apiKey: "bench", baseURL: baseUrl, maxRetries: 0, timeout: 30_000 });
    const generate = async (job: { id?: string; data: { prompt: string } }): Promise<void> => {
      const completion = await client.chat.completions.create({
        model: "gpt-6-luna",
        messages: [
          { role: "system", content: "You write short posts." },
          { role: "user", content: job.data.prompt },
        ],
        max_completion_tokens: 280,
      });
      await connection.hset(`result:${job.id}`, "text", completion.choices[0]?.message.content ?? "");
    };
    worker = new Worker(BARE_QUEUE, generate, {
      connection,
      prefix: `{${namespace}}`,
      concurrency,
      removeOnComplete: { count: 1000 },
    });
    redis = connection;
    await worker.waitUntilReady();
  },
  async stop() {
    await worker?.close();
    redis?.disconnect();
  },
});
