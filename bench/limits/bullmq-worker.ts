/** The peer: BullMQ with its own limiter, and the openai package with its retries, as people write it. */
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import OpenAI from "openai";
import { bareGenerate, BARE_QUEUE, type BareJob } from "../bare-job.ts";
import { serveWorker } from "../worker-program.ts";
import { MEAN_TOKENS } from "./scenarios.ts";

const worker: { queue?: Worker; redis?: Redis } = {};

serveWorker({
  async start({ redisPath, baseUrl, apiKey, namespace, concurrency, limits = [] }) {
    const redis = new Redis({ path: redisPath, maxRetriesPerRequest: null });
    const client = new OpenAI({ apiKey, baseURL: baseUrl, maxRetries: 2, timeout: 30_000 });
    const [limit] = limits;
    // It cannot count tokens: who knows only a limit of tokens divides it by the mean.
    const perMinute = limit?.requestsPerMinute ?? (limit?.tokensPerMinute ?? Infinity) / MEAN_TOKENS;
    worker.redis = redis;
    worker.queue = new Worker(BARE_QUEUE, (job: BareJob) => bareGenerate(job, client, redis), {
      connection: redis,
      prefix: `{${namespace}}`,
      concurrency,
      ...(perMinute !== Infinity && { limiter: { max: Math.round(perMinute / 60), duration: 1000 } }),
    });
    // A job that has failed is counted by its queue.
    worker.queue.on("error", () => undefined);
    await worker.queue.waitUntilReady();
  },
  async stop() {
    await worker.queue?.close();
    worker.redis?.disconnect();
  },
});
