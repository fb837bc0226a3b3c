import { PROVIDERS } from "../../src/providers/registry.ts";
import type { ImportRule } from "./import-rules.ts";

const PROVIDER_CONTRACT = ["src/providers/provider.ts", "src/providers/provider-error.ts"];
const VENDOR: ImportRule = {
  imports: [
    ...["src/providers/provider-error.ts", "src/providers/http/", "src/providers/openai-compatible/"],
    ...["src/models/", "src/platform/"],
  ],
  types: ["src/providers/batch.ts", "src/providers/definition.ts", ...PROVIDER_CONTRACT],
};

/** The package of a vendor with a wire format of its own. */
const PACKAGES_OF_VENDORS: Readonly<Record<string, string>> = {
  anthropic: "@anthropic-ai/sdk",
  gemini: "@google/genai",
};

/**
 * The direction of imports, from the nouns outwards to the programs. A file may always import from its own folder;
 * what is not listed is forbidden.
 */
export const LAYERS: Readonly<Record<string, ImportRule>> = {
  "src/platform/": { packages: ["fastest-levenshtein", "ioredis", "jsonc-parser", "pino", "pino-pretty", "zod"] },
  "src/job/": { imports: ["src/platform/"], types: PROVIDER_CONTRACT, packages: ["zod"], pure: true },
  "src/agents/": {
    imports: [
      ...["src/job/job-input.ts", "src/models/", "src/platform/"],
      ...["src/schedules/read-topics.ts", "src/schedules/schedule-file.ts"],
    ],
    types: ["src/job/", "src/schedules/schedule.ts", ...PROVIDER_CONTRACT],
    packages: ["zod"],
  },
  "src/models/": {
    imports: ["src/platform/"],
    types: PROVIDER_CONTRACT,
    packages: ["@pydantic/genai-prices", "zod"],
  },

  "src/providers/provider.ts": { pure: true },
  "src/providers/provider-error.ts": { types: ["src/providers/provider.ts"], pure: true },
  "src/providers/batch.ts": { types: PROVIDER_CONTRACT, pure: true },
  "src/providers/definition.ts": {
    types: ["src/providers/batch.ts", "src/models/", "src/providers/http/", ...PROVIDER_CONTRACT],
    pure: true,
  },
  "src/providers/registry.ts": { imports: ["src/providers/", "src/models/", "src/platform/secrets.ts"] },
  "src/providers/all-providers.ts": { imports: ["src/providers/"] },
  // What all vendors share that are called over HTTP.
  "src/providers/http/": {
    imports: [
      ...["src/models/is-omitted.ts", "src/models/least-reasoning.ts"],
      ...["src/providers/provider-error.ts", "src/platform/"],
    ],
    types: ["src/models/", "src/providers/batch.ts", ...PROVIDER_CONTRACT],
    packages: ["eventsource-parser", "undici"],
  },
  "src/providers/openai-compatible/": { ...VENDOR, packages: ["openai", "zod"] },
  ...Object.fromEntries(
    PROVIDERS.map(({ id }) => [
      `src/providers/${id}/`,
      { ...VENDOR, packages: ["zod"].concat(PACKAGES_OF_VENDORS[id] ?? []) },
    ]),
  ),

  // One job, decided upon and run, against contracts only: no queue, no Redis, no vendor.
  "src/generation/": {
    imports: ["src/finishing/", "src/job/", "src/providers/provider-error.ts"],
    types: [
      ...["src/admission/admission.ts", "src/agents/agent.ts", "src/models/", "src/platform/"],
      ...["src/providers/batch.ts", ...PROVIDER_CONTRACT],
    ],
    pure: true,
  },
  // A model's text becomes a post: length, quotes, labels, what must not be published. Pure.
  "src/finishing/": { imports: ["src/platform/"], types: ["src/job/"], packages: ["twitter-text"], pure: true },
  // Which texts are like which, and what was written lately.
  "src/variety/": {
    imports: ["src/admission/keys.ts", "src/platform/"],
    types: ["src/generation/variety-guard.ts", "src/job/"],
    packages: ["ioredis"],
  },
  // When an agent posts by itself, and about what. No Redis, no queue.
  "src/schedules/": {
    imports: [
      ...["src/bulk/physical-lines.ts", "src/bulk/read-rows.ts", "src/bulk/row-to-job.ts"],
      ...["src/job/", "src/platform/"],
    ],
    packages: ["croner", "zod"],
  },
  // Jobs that go through a vendor's batch API.
  "src/batch/": {
    imports: [
      ...["src/admission/keys.ts", "src/generation/", "src/job/", "src/models/prices.ts", "src/platform/"],
      "src/providers/provider-error.ts",
    ],
    types: ["src/admission/admission.ts", "src/agents/agent.ts", "src/providers/batch.ts", ...PROVIDER_CONTRACT],
    packages: ["ioredis"],
  },
  "src/admission/": {
    imports: ["src/job/", "src/platform/"],
    types: ["src/agents/agent.ts", ...PROVIDER_CONTRACT],
    packages: ["ioredis"],
  },
  "src/storage/": {
    imports: ["src/admission/keys.ts", "src/job/", "src/platform/"],
    types: [
      "src/admission/limit-policy.ts",
      "src/generation/refused-parameters.ts",
      "src/generation/response-cache.ts",
    ],
    packages: ["ioredis"],
  },
  "src/queue/": {
    imports: ["admission", "agents", "generation", "job", "models", "platform", "schedules", "storage"].map(
      (folder) => `src/${folder}/`,
    ),
    types: ["src/purge/purge-agent.ts"],
    packages: ["bullmq", "ioredis", "zod"],
  },
  // Everything that an agent was asked and has written goes, wherever it is kept.
  "src/purge/": {
    imports: [
      ...["src/admission/claims.ts", "src/admission/keys.ts", "src/job/", "src/platform/"],
      ...["src/queue/job-codec.ts", "src/queue/lane.ts", "src/queue/schedule-store.ts", "src/variety/text-entry.ts"],
    ],
    types: ["ioredis", "src/queue/lane-queues.ts"],
  },
  "src/bulk/": {
    imports: [
      ...["src/agents/build-prompt.ts", "src/generation/input-bytes.ts", "src/generation/token-estimator.ts"],
      ...["src/job/", "src/platform/"],
    ],
    types: ["src/agents/agent.ts", "src/models/", "src/queue/producer.ts", "src/storage/run-book.ts"],
    packages: ["csv-parse", "zod"],
  },
  "src/compare/": {
    imports: [
      ...["src/agents/", "src/bulk/", "src/generation/input-bytes.ts", "src/generation/recovery.ts"],
      ...["src/job/", "src/models/model-names.ts", "src/models/retirement.ts", "src/platform/"],
    ],
    types: ["src/models/", "src/queue/producer.ts", "src/storage/health-report.ts", ...PROVIDER_CONTRACT],
  },
  "src/config/": {
    imports: [
      "src/alerts/alert.ts",
      "src/job/",
      "src/models/",
      "src/platform/",
      "src/providers/registry.ts",
      "src/providers/http/normalize-endpoint.ts",
      "src/providers/openai-compatible/define-openai-alike.ts",
    ],
    types: [
      ...["src/admission/limit-policy.ts", "src/batch/batch-run.ts", "src/generation/run.ts"],
      ...["src/alerts/", "src/variety/redis-variety-guard.ts"],
    ],
    packages: ["zod"],
  },

  // What wants a person, and how they are told.
  "src/alerts/alert.ts": { pure: true },
  "src/alerts/": {
    imports: [
      ...["src/admission/keys.ts", "src/admission/sweeper.ts", "src/job/usage-counters.ts", "src/platform/"],
      ...["src/providers/http/http-transport.ts", "src/storage/"],
    ],
    types: [
      ...["src/admission/limit-policy.ts", "src/providers/http/http-exchange.ts", "src/queue/lane-backlog.ts"],
      "ioredis",
    ],
  },

  // Spans of what the others do; the only importer of OpenTelemetry.
  "src/telemetry/": {
    imports: ["src/platform/"],
    types: [
      ...["bullmq", "src/config/tracing-settings.ts", "src/generation/trace-call.ts", "src/job/"],
      ...["src/queue/queue-tracing.ts", ...PROVIDER_CONTRACT],
    ],
    packages: [
      ...["@opentelemetry/api", "@opentelemetry/context-async-hooks", "@opentelemetry/core"],
      ...["@opentelemetry/exporter-trace-otlp-http", "@opentelemetry/exporter-trace-otlp-proto"],
      ...["@opentelemetry/resources", "@opentelemetry/sdk-trace", "bullmq-otel"],
    ],
  },

  // What people and programs see over HTTP: pages, API, Bull Board, metrics. Nobody imports it but its composition.
  "src/monitor/": {
    imports: [
      ...["src/admission/sweeper.ts", "src/alerts/", "src/batch/batch-store.ts", "src/finishing/"],
      ...["src/job/", "src/platform/", "src/queue/", "src/schedules/describe.ts", "src/storage/"],
    ],
    types: [
      ...["src/admission/limit-policy.ts", "src/providers/provider.ts", "src/schedules/schedule.ts"],
      ...["bullmq", "idiomorph", "ioredis", "uplot"],
    ],
    packages: [
      ...["@bull-board/api", "@bull-board/fastify", "@fastify/cookie", "@fastify/helmet", "@fastify/swagger"],
      ...["fastify", "fastify-type-provider-zod", "prom-client", "rate-limiter-flexible", "zod"],
    ],
  },
  "src/checks/": {
    imports: [
      ...["src/agents/", "src/config/", "src/models/", "src/platform/", "src/providers/", "src/schedules/"],
      "src/admission/sweeper.ts",
    ],
    types: ["ioredis"],
  },

  // The only place that knows implementations.
  "src/compose.ts": {
    imports: ["agents", "config", "models", "platform", "purge", "queue"]
      .map((folder) => `src/${folder}/`)
      .concat("src/telemetry/open-tracing.ts"),
    types: ["src/schedules/schedule.ts"],
  },
  "src/compose-alerts.ts": {
    imports: ["alerts", "config", "platform", "queue"].map((folder) => `src/${folder}/`),
    types: ["ioredis"],
  },
  "src/compose-worker.ts": {
    imports: ["admission", "agents", "config", "generation", "platform", "queue", "storage", "variety"]
      .map((folder) => `src/${folder}/`)
      .concat(
        "src/compose.ts",
        "src/compose-alerts.ts",
        "src/compose-batcher.ts",
        "src/providers/registry.ts",
        "src/schedules/topics-reader.ts",
      ),
    types: ["src/telemetry/"],
    packages: ["ioredis"],
  },
  "src/compose-batcher.ts": {
    imports: ["admission", "batch", "config", "platform", "queue"].map((folder) => `src/${folder}/`),
    types: ["src/agents/agent.ts", "src/generation/run.ts", "src/job/", "ioredis"],
  },
  "src/compose-monitor.ts": {
    imports: ["config", "monitor", "platform", "queue"].map((folder) => `src/${folder}/`).concat("src/compose.ts"),
    types: ["src/agents/agent.ts", "src/schedules/schedule.ts", "src/telemetry/open-tracing.ts"],
  },
  "src/compose-operator.ts": {
    imports: [
      ...["src/admission/claims.ts", "src/alerts/alert-store.ts", "src/batch/batch-store.ts"],
      ...["config", "platform", "queue", "storage"].map((folder) => `src/${folder}/`),
    ],
    types: ["src/agents/agent.ts", "src/job/"],
  },
  "src/index.ts": {
    imports: ["src/compose.ts", "src/queue/enqueue-batch.ts", "src/platform/"],
    types: [
      ...["src/admission/claims.ts", "src/job/", "src/queue/producer.ts", "src/queue/schedule-book.ts"],
      ...["src/schedules/schedule.ts", ...PROVIDER_CONTRACT],
    ],
  },
  "src/cli/": {
    imports: [
      ...[
        "src/compose.ts",
        "src/compose-alerts.ts",
        "src/compose-monitor.ts",
        "src/compose-operator.ts",
        "src/compose-worker.ts",
      ],
      ...[
        "src/config/",
        "src/index.ts",
        "src/job/bulk-run.ts",
        "src/job/run-commands.ts",
        "src/platform/",
        "src/models/",
      ],
      ...["src/agents/", "src/bulk/", "src/checks/", "src/compare/", "src/schedules/", "src/storage/"],
      ...["src/admission/sweeper.ts", "src/providers/registry.ts", "src/queue/enqueue-batch.ts"],
      "src/telemetry/open-tracing.ts",
    ],
    types: ["src/alerts/", "src/job/", "src/queue/"],
    packages: ["cli-progress", "cli-table3", "commander"],
  },
  "workers/": {
    imports: ["src/cli/program.ts", "src/compose.ts", "src/config/", "src/index.ts", "src/platform/"],
  },
};
