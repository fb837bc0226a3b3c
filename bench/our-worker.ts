/** The whole path: lanes, ADMIT, the provider's adapter, SETTLE with result, usage row and counters. */
import { composeWorker } from "../src/compose-worker.ts";
import { loadConfig } from "../src/config/load-config.ts";
import { createLogger } from "../src/platform/logger.ts";
import type { GenerationWorker } from "../src/queue/worker.ts";
import { configFileWith } from "./config-file-with.ts";
import { serveWorker } from "./worker-program.ts";

let worker: GenerationWorker | undefined;

serveWorker({
  async start({ redisPath, namespace, concurrency, baseUrl, apiKey, grokUrl, limits = [] }) {
    const environment = {
      OPENAI_API_KEY: apiKey,
      OPENAI_BASE_URL: baseUrl,
      ...(grokUrl !== undefined && { GROK_API_KEY: apiKey, GROK_API_ENDPOINT: grokUrl }),
    };
    const config = loadConfig({ environment, directory: "/", isTerminal: false });
    worker = await composeWorker({
      config: { ...config, namespace, concurrency, file: configFileWith(limits) },
      address: { path: redisPath },
      // Failing vendors are what is measured; a line for each failure would drown the figures.
      logger: createLogger({ level: "fatal", format: "json" }),
    });
  },
  async stop() {
    // Whatever is still in flight belongs to a lane that is not measured.
    await worker?.stop({ graceMs: 200 });
  },
});
