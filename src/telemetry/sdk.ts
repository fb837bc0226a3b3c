import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { parseKeyPairsIntoRecord, setGlobalErrorHandler, W3CTraceContextPropagator } from "@opentelemetry/core";
import { defaultResource, resourceFromAttributes, type Resource } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../config/tracing-settings.ts";
import { sleep } from "../platform/clock.ts";
import { packageRoot } from "../platform/package-root.ts";
import { createOtlpExporter, type OtlpExporter } from "./otlp-exporter.ts";

/** OpenTelemetry's SDK while it runs in this process. */
export interface Sdk {
  /** Sends what is left, for two seconds at most, and takes everything back. Never throws. */
  close(): Promise<void>;
}

const LONGEST_CLOSE_MS = 2000;

/**
 * Registers a tracer provider for the whole process: BullMQ's spans, ours, and those of whatever else is instrumented
 * here find each other through it.
 * @param warn told once when spans do not arrive
 */
export async function startSdk(config: TracingConfig, warn: (message: string) => void): Promise<Sdk> {
  const exporter = await createOtlpExporter(config, warn);
  // The SDK would print a stack trace for every failed export.
  setGlobalErrorHandler(() => undefined);
  const provider = new TracerProvider({
    resource: resourceOf(config),
    sampler: samplerOf(config.sampler),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...config.batch })],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  // No baggage: it may hold anything, and would lie in Redis with the job.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return {
    async close() {
      // First: whoever comes meanwhile registers another one.
      for (const api of [trace, context, propagation]) api.disable();
      await shutDown(provider, exporter);
    },
  };
}

async function shutDown(provider: TracerProvider, exporter: OtlpExporter): Promise<void> {
  exporter.hurry();
  const patience = new AbortController();
  const ended = provider.shutdown().then(
    () => true,
    () => true,
  );
  const hasEnded = await Promise.race([ended, sleep(LONGEST_CLOSE_MS, patience.signal)]);
  patience.abort();
  if (hasEnded !== true) exporter.complain("no answer in time");
}

/** Attributes of this process. Not its arguments: a topic may be among them. */
function resourceOf({ serviceName, resourceAttributes }: TracingConfig): Resource {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string };
  return defaultResource()
    .merge(
      resourceFromAttributes({
        ...{ "service.name": "puppet-engine", "service.version": version, "service.instance.id": randomUUID() },
        ...{ "host.name": hostname(), "process.pid": process.pid },
      }),
    )
    .merge(resourceFromAttributes(parseKeyPairsIntoRecord(resourceAttributes ?? "")))
    .merge(resourceFromAttributes(serviceName === null ? {} : { "service.name": serviceName }));
}

function samplerOf({ name, ratio }: TracingConfig["sampler"]): Sampler {
  switch (name) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(ratio);
    case "parentbased_always_on":
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case "parentbased_always_off":
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case "parentbased_traceidratio":
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
    default:
      return name satisfies never;
  }
}
