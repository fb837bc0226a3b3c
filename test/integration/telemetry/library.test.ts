import { context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { Redis } from "ioredis";
import { afterEach, expect, it, vi } from "vitest";
import { DEFAULT_CONFIG } from "../../../src/config/config-file.ts";
import { admissionPolicyOf } from "../../../src/config/policies.ts";
import { createProducer } from "../../../src/index.ts";
import { createMonitor } from "../../../src/monitor/server.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { createLaneQueues } from "../../../src/queue/lane-queues.ts";
import { openTracing } from "../../../src/telemetry/open-tracing.ts";
import { load } from "../../unit/config/load-with.ts";
import { NORI } from "../../support/generation-system.ts";
import { startCollector } from "../../support/otlp-collector.ts";
import { testNamespace, testRedisUrl } from "../../support/redis.ts";

/* What a program that uses the library notices of our traces, and we of its own. */

afterEach(() => void vi.unstubAllEnvs());

async function enqueueOne(topic = "fog"): Promise<void> {
  const options = { redisUrl: testRedisUrl(), namespace: testNamespace(), agents: [NORI] };
  await using producer = await createProducer(options);
  await producer.enqueue({ kind: "tweet", agent: "nori", context: { topic } });
}

it("without variables a producer registers nothing", async () => {
  await enqueueOne();
  expect(trace.getTracer("test").startSpan("a").isRecording()).toBe(false);
});

it("with variables it sends its spans when it is disposed, and takes back what it has registered", async () => {
  await using collector = await startCollector();
  for (const [name, value] of Object.entries(collector.environment)) vi.stubEnv(name, value);
  vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "60000");
  vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=press%20office");
  await using first = await createProducer({ redisUrl: testRedisUrl(), namespace: testNamespace(), agents: [NORI] });
  // Another one shares what the first has started.
  await enqueueOne();
  expect(collector.calls).toEqual([]);
  await first.enqueue({ kind: "tweet", agent: "nori" });
  await first[Symbol.asyncDispose]();
  expect(collector.spans().map(({ name }) => name)).toEqual(Array(2).fill("addBulk openai~gpt-6-luna"));
  expect(collector.calls[0]).toMatchObject({ url: "/v1/traces", headers: { "x-tenant": "press office" } });
  expect(trace.getTracer("test").startSpan("a").isRecording()).toBe(false);
});

it("a program's own provider gets the spans, below the program's own; nothing else is started", async () => {
  await using collector = await startCollector();
  for (const [name, value] of Object.entries(collector.environment)) vi.stubEnv(name, value);
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  try {
    const tracer = trace.getTracer("program");
    await tracer.startActiveSpan("request", async (span) => {
      await enqueueOne();
      span.end();
    });
    const [added, request] = exporter.getFinishedSpans();
    expect(added).toMatchObject({ name: "addBulk openai~gpt-6-luna" });
    expect(added?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(collector.calls).toEqual([]);
    expect(trace.getTracer("later").startSpan("later").isRecording()).toBe(true);
  } finally {
    for (const api of [trace, context]) api.disable();
  }
});

it.each([
  ["nobody listens", null, /^traces do not arrive at http:\/\/127\.0\.0\.1:1: ECONNREFUSED; everything else goes on$/],
  ["it never answers", () => undefined, /^traces do not arrive at http:\S+: Request timed out; everything else/],
  ["it refuses", 401, /^traces do not arrive at http:\S+: it answers HTTP 401; everything else goes on$/],
])("a collector is away (%s): the end is not held up, and one warning tells", async (_, answer, message) => {
  await using collector = await startCollector((_call, response) => {
    if (typeof answer === "number") response.writeHead(answer, "secret-of-the-collector").end("secret");
  });
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", answer === null ? "http://127.0.0.1:1" : collector.endpoint);
  // Longer than this test may take.
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "600000");
  const warnings: string[] = [];
  const listener = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", listener);
  try {
    await enqueueOne();
    await new Promise(setImmediate);
  } finally {
    process.off("warning", listener);
  }
  expect(warnings).toEqual([expect.stringMatching(message)]);
});

it("the monitor goes on with the trace that a request names, also behind a body", async () => {
  const { tracing: config } = await load({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" } });
  await using tracing = await openTracing({ config, warn: () => undefined });
  const redis = new Redis(testRedisUrl());
  const namespace = testNamespace();
  const queues = createLaneQueues(redis, namespace);
  await using producer = await createProducer({ redisUrl: testRedisUrl(), namespace, agents: [NORI] });
  const { budgets, limits } = admissionPolicyOf(DEFAULT_CONFIG, []);
  const server = await createMonitor({
    system: { redis, namespace, queues, producer, budgets, limits, providers: [], clock: systemClock },
    apiLimits: DEFAULT_CONFIG.monitor,
    ...{ tokens: { operator: null, viewer: null }, readOnly: false, clock: systemClock },
    ...{ allowedHosts: new Set(["127.0.0.1"]), continueTrace: tracing?.continueTrace },
  });
  try {
    server.post("/test", () => ({ traceId: trace.getActiveSpan()?.spanContext().traceId ?? null }));
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    const url = await server.listen({ host: "127.0.0.1", port: 0 });
    const post = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const body = JSON.stringify({ text: "long enough to come in pieces".repeat(2000) });
      const sent = { method: "POST", body, headers: { "content-type": "application/json", ...headers } };
      return await (await fetch(`${url}/test`, sent)).json();
    };
    expect(await post({ traceparent })).toEqual({ traceId });
    expect(await post({})).toEqual({ traceId: null });
    expect(await post({ traceparent: "damaged" })).toEqual({ traceId: null });
    expect(context.active()).toBe(ROOT_CONTEXT);
  } finally {
    await server.close();
    await queues.close();
    redis.disconnect();
  }
});
