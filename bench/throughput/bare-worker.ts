/** The same work with nothing of ours: a BullMQ processor, the openai package with its global fetch, one HSET. */
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import OpenAI from "openai";
import { bareGenerate, BARE_QUEUE, type BareJob } from "../bare-job.ts";
import { serveWorker } from "../worker-program.ts";

let worker: Worker | undefined;
let redis: Redis | undefined;

serveWorker({
  async start({ redisPath, baseUrl, apiKey, namespace, concurrency }) {
    const connection = new Redis({ path: redisPath, maxRetriesPerRequest: null });
    const client = new OpenAI({ apiKey, baseURL: baseUrl, maxRetries: 0, timeout: 30_000 });
    worker = new Worker(BARE_QUEUE, (job: BareJob) => bareGenerate(job, client, connection), {
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
