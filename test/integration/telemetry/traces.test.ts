import { expect, it } from "vitest";
import { ADA, NORI, startSystem, TEST_KEYS } from "../../support/generation-system.ts";
import { documentAt, tableOf } from "../../support/documents.ts";
import { codeWords } from "../../support/markdown.ts";
import { startCollector, type OtlpCollector, type ReceivedSpan } from "../../support/otlp-collector.ts";
import { completionAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";

/** How much of it a job waits follows from its id; a wait that is over at once would not leave the worker. */
const SLOW_RETRIES = { retries: { baseSeconds: 0.3, capSeconds: 0.3 } };

const DOCUMENTED = new Set(
  tableOf(documentAt("docs/tracing.md"), "Attributes").flatMap(([cell = ""]) => codeWords(cell)),
);

const LANE = "openai~gpt-6-luna>grok~grok-4.3";

it("a job is one trace: added, processed, asked of a provider", async () => {
  await using collector = await startCollector();
  await using openai = await startRecordedServer(completionAnswer({ text: "Looms came first: secret-of-the-text." }));
  await using system = await startSystem({ openai, grok: openai, environment: collector.environment });
  await system.startWorker();
  const topic = "secret-of-the-topic";
  expect(await system.run({ id: "42", kind: "tweet", agent: "ada", context: { topic } })).toMatchObject({
    status: "succeeded",
  });
  const [added, processed, chat] = await traceOf(collector, 3);
  const port = Number(new URL(openai.baseUrl).port);

  expect(added).toMatchObject({ name: `addBulk ${LANE}`, kind: 4, parentSpanId: null, isError: false });
  expect(added?.attributes).toEqual({
    ...{ "bullmq.queue.name": LANE, "bullmq.queue.operation": "addBulk", "bullmq.job.bulk.count": 1 },
  });
  expect(processed).toMatchObject({ name: `process ${LANE}`, kind: 5, parentSpanId: added?.spanId, isError: false });
  expect(processed?.attributes).toEqual({
    ...{ "bullmq.queue.name": LANE, "bullmq.queue.operation": "process", "bullmq.job.id": "j_42" },
    ...{ "bullmq.worker.id": expect.any(String) as string, "bullmq.job.attempts.made": 1 },
    ...{ "puppet.job.id": "42", "puppet.agent.id": "ada", "puppet.lane": LANE, "puppet.outcome": "succeeded" },
  });
  expect(chat).toMatchObject({
    ...{ name: "chat gpt-6-luna", kind: 3, parentSpanId: processed?.spanId, isError: false },
    resource: { "service.name": "puppet-engine", "process.pid": process.pid },
  });
  expect(chat?.attributes).toMatchObject({
    ...{ "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-6-luna" },
    ...{ "server.address": "127.0.0.1", "server.port": port, "http.response.status_code": 200 },
    ...{ "gen_ai.request.max_tokens": expect.any(Number) as number, "gen_ai.response.model": "gpt-6-luna" },
    ...{ "gen_ai.response.finish_reasons": ["stop"], "gen_ai.response.id": expect.any(String) as string },
    ...{ "gen_ai.usage.input_tokens": expect.any(Number) as number, "puppet.usage.estimated": false },
    ...{ "gen_ai.usage.output_tokens": expect.any(Number) as number },
    ...{ "puppet.job.id": "42", "puppet.job.kind": "tweet", "puppet.agent.id": "ada", "puppet.attempt": 1 },
    ...{ "puppet.request": "generate", "puppet.lane": LANE, "puppet.cost.micro_usd": expect.any(Number) as number },
  });
  expectNoSecret(collector, "secret-of-the-topic", "secret-of-the-text", ADA.custom_system_prompt);
  await system.expectAccounted();
});

it("a call that failed says why, and its fall-back is in the same trace", async () => {
  await using collector = await startCollector();
  const quoted = "secret-of-the-vendor";
  await using openai = await startRecordedServer(errorAnswer(401, quoted));
  await using grok = await startRecordedServer(completionAnswer());
  await using system = await startSystem({ openai, grok, environment: collector.environment });
  await system.startWorker();
  await system.run({ id: "a", kind: "tweet", agent: "ada" });
  const [, processed, ...chats] = await traceOf(collector, 4);
  expect(chats.map(summary)).toEqual([
    { parent: processed?.spanId, name: "chat gpt-6-luna", isError: true, type: "authentication", provider: "openai" },
    { parent: processed?.spanId, name: "chat grok-4.3", isError: false, type: undefined, provider: "x_ai" },
  ]);
  expect(chats[0]?.attributes).toMatchObject({ "http.response.status_code": 401, "puppet.attempt": 1 });
  expect(chats[1]?.attributes).toMatchObject({ "puppet.attempt": 2 });
  expectNoSecret(collector, quoted);
});

it("a retry is another turn of the same job, and no error of the first", async () => {
  await using collector = await startCollector();
  await using openai = await startRecordedServer(
    ...[errorAnswer(503, "busy"), errorAnswer(429, "slow down", { "retry-after-ms": "100" }), completionAnswer()],
  );
  await using system = await startSystem({ openai, environment: collector.environment, settings: SLOW_RETRIES });
  await system.startWorker();
  await system.run({ id: "a", kind: "tweet", agent: "nori" });
  const [added, ...others] = await traceOf(collector, 7);
  const turns = others.filter(({ kind }) => kind === 5);
  expect(turns.map((turn) => ({ ...outcome(turn), parent: turn.parentSpanId }))).toEqual([
    { outcome: "retry", isError: false, parent: added?.spanId },
    { outcome: "delayed", isError: false, parent: added?.spanId },
    { outcome: "succeeded", isError: false, parent: added?.spanId },
  ]);
  expect(turns.flatMap(({ events }) => events)).toEqual([]);
});

it("a job that has failed is an error, without its reason", async () => {
  await using collector = await startCollector();
  const reason = "secret-of-the-reason";
  await using openai = await startRecordedServer(errorAnswer(400, reason));
  await using system = await startSystem({ openai, environment: collector.environment });
  await system.startWorker();
  expect(await system.run({ id: "a", kind: "tweet", agent: "nori" })).toMatchObject({ status: "failed" });
  const [, processed, chat] = await traceOf(collector, 3);
  expect(outcome(processed)).toEqual({ outcome: "failed", isError: true });
  expect(chat?.attributes["error.type"]).toBe("invalid-request");
  expectNoSecret(collector, reason);
});

it("a batch of many is one span, and all of its jobs are below it; ids are as ever", async () => {
  await using collector = await startCollector();
  await using openai = await startRecordedServer(completionAnswer());
  await using system = await startSystem({ openai, environment: collector.environment });
  const jobs = ["a", "b", "c"].map((id) => ({ id, kind: "tweet", agent: "nori", context: { topic: id } }) as const);
  expect(await system.producer.enqueueMany(jobs)).toMatchObject({ enqueued: 3 });
  expect(await system.producer.enqueueMany(jobs)).toMatchObject({ enqueued: 0, alreadyEnqueued: 3 });
  await expect(
    system.producer.enqueue({ id: "a", kind: "tweet", agent: "nori", context: { topic: "another" } }),
  ).rejects.toThrow(/job a: the id/);
  await system.startWorker();
  for (const { id } of jobs) expect(await system.resultOf(id)).toMatchObject({ status: "succeeded" });
  // Of the second time there is a span as well: what was enqueued and not finished is added once more, to no effect.
  const spans = await spansOf(collector, 8);
  const [first] = spans.filter(({ kind }) => kind === 4);
  expect(first?.attributes["bullmq.job.bulk.count"]).toBe(3);
  expect(spans.filter(({ kind }) => kind === 5).map(({ parentSpanId }) => parentSpanId)).toEqual(
    jobs.map(() => first?.spanId),
  );
});

it("a job that was added without a trace, or with a damaged one, is processed all the same", async () => {
  await using collector = await startCollector();
  await using openai = await startRecordedServer(completionAnswer());
  await using untraced = await startSystem({ openai });
  await untraced.producer.enqueue({ id: "a", kind: "tweet", agent: "nori" });
  await untraced.producer.enqueue({ id: "b", kind: "tweet", agent: "nori" });
  const queued = await untraced.queued("openai~gpt-6-luna", "b", "waiting", "prioritized");
  const key = untraced.lane("openai~gpt-6-luna").toKey("j_b");
  await untraced.redis.hset(key, "opts", JSON.stringify({ ...queued.opts, tm: "{damaged" }));
  await using system = await startSystem({
    ...{ openai, environment: collector.environment, namespace: untraced.namespace },
  });
  await system.startWorker();
  for (const id of ["a", "b"]) expect(await system.resultOf(id)).toMatchObject({ status: "succeeded" });
  const spans = await spansOf(collector, 4);
  expect(spans.filter(({ kind }) => kind === 5).map(({ parentSpanId }) => parentSpanId)).toEqual([null, null]);
});

it("the sampler of the environment is asked", async () => {
  await using collector = await startCollector();
  const environment = { ...collector.environment, OTEL_TRACES_SAMPLER: "always_off", OTEL_SERVICE_NAME: "posts" };
  await using openai = await startRecordedServer(completionAnswer());
  await runOne({ openai, environment });
  expect(collector.calls).toEqual([]);
  const sampled = { ...environment, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "1" };
  await runOne({
    openai,
    environment: { ...sampled, OTEL_RESOURCE_ATTRIBUTES: "team=press%20office,service.name=no" },
  });
  expect(collector.spans()[0]?.resource).toMatchObject({ "service.name": "posts", team: "press office" });
});

it("spans go as protobuf unless somebody wants JSON", async () => {
  await using collector = await startCollector();
  await using openai = await startRecordedServer(completionAnswer());
  await runOne({ openai, environment: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/spans` } });
  expect(collector.calls[0]).toMatchObject({ url: "/spans", headers: { "content-type": "application/x-protobuf" } });
  expect(collector.bodies).toContain("chat gpt-6-luna");
});

async function runOne(options: Parameters<typeof startSystem>[0]): Promise<void> {
  await using system = await startSystem(options);
  await system.startWorker();
  await system.run({ id: "a", kind: "tweet", agent: NORI.id });
}

/** All spans in the order in which they began, once there are so many. */
async function spansOf(collector: OtlpCollector, count: number): Promise<readonly ReceivedSpan[]> {
  return await waitFor(() => (collector.spans().length >= count ? collector.spans() : undefined), {
    describe: () => `${count} spans; there are ${JSON.stringify(collector.spans(), null, 1)}`,
  });
}

/** Spans of the one trace that there is: parents before their children, otherwise in the order in which they ended. */
async function traceOf(collector: OtlpCollector, count: number): Promise<readonly ReceivedSpan[]> {
  const spans = await spansOf(collector, count);
  expect(spans).toHaveLength(count);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const names = spans.flatMap(({ attributes }) => Object.keys(attributes));
  expect(names.filter((name) => !DOCUMENTED.has(name))).toEqual([]);
  const below = (parent: string | null): ReceivedSpan[] =>
    spans.filter(({ parentSpanId }) => parentSpanId === parent).flatMap((span) => [span, ...below(span.spanId)]);
  return below(null);
}

function errorAnswer(status: number, message: string, headers: Readonly<Record<string, string>> = {}): RecordedAnswer {
  return {
    response: { status, headers: { "content-type": "application/json", ...headers }, body: { error: { message } } },
  };
}

function summary({ parentSpanId, name, isError, attributes }: ReceivedSpan): Record<string, unknown> {
  return {
    ...{ parent: parentSpanId, name, isError },
    ...{ type: attributes["error.type"], provider: attributes["gen_ai.provider.name"] },
  };
}

function outcome(span: ReceivedSpan | undefined): Record<string, unknown> {
  return { outcome: span?.attributes["puppet.outcome"], isError: span?.isError };
}

function expectNoSecret(collector: OtlpCollector, ...texts: string[]): void {
  expect(collector.bodies).toContain("puppet.job.id");
  for (const text of [...texts, ...Object.values(TEST_KEYS)]) expect(collector.bodies).not.toContain(text);
}
