/** The whole path: lanes, ADMIT, the provider's adapter, SETTLE with result, usage row and counters. */
import { composeWorker } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { createLogger } from "../../src/platform/logger.ts";
import type { GenerationWorker } from "../../src/queue/worker.ts";
import { serve } from "./protocol.ts";

let worker: GenerationWorker | undefined;

serve({
  async start({ redisPath, baseUrl, namespace, concurrency }) {
    const environment = { OPENAI_API_KEY: "bench", OPENAI_BASE_URL: baseUrl };
    const config = { ...loadConfig({ environment, directory: "/", isTerminal: false }), namespace, concurrency };
    worker = await composeWorker({
      config,
      address: { path: redisPath },
      logger: createLogger({ level: "warn", format: "json" }),
    });
  },
  async stop() {
    await worker?.stop();
  },
});
