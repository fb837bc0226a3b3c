import { expect, it } from "vitest";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import { ADA, CLOSED_PORT_URL, startSystem, TEST_KEYS } from "../../support/generation-system.ts";
import { hang, notHttp, reset, resetInBody } from "../../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer, type SeenCall } from "../../support/recorded-server.ts";

const SERVER_ERROR = recordedAnswer("openai/500-server-error.json");

function outcomes({ attempts }: GenerationResult): string[] {
  return attempts.map(({ provider, outcome }) => `${provider} ${outcome}`);
}

function callsOf(...servers: RecordedServer[]): number[] {
  return servers.map(({ calls }) => calls.length);
}

/** A failed job's reason, or its status if it did not fail. */
function reasonOf(result: GenerationResult): string {
  return result.status === "failed" ? result.reason : result.status;
}

it("500, then success on the same provider", async () => {
  await using openai = await startRecordedServer(SERVER_ERROR, completionAnswer());
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(result.status).toBe("succeeded");
  expect(outcomes(result)).toEqual(["openai overloaded", "openai succeeded"]);
  const rows = await system.expectAccounted();
  expect(rows.map(({ attempt, status, costMicroUsd }) => [attempt, status, costMicroUsd])).toEqual([
    [1, 500, 0],
    [2, 200, 8],
  ]);
  expect(result.costMicroUsd).toBe(8);
});

it("three 500s, then the fall-back", async () => {
  await using openai = await startRecordedServer(SERVER_ERROR);
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  const failures = Array.from({ length: 3 }, () => "openai overloaded");
  expect(outcomes(result)).toEqual([...failures, "grok succeeded"]);
  expect(callsOf(openai, grok)).toEqual([3, 1]);
  await system.expectAccounted();
});

it("a hang is timed out, retried once and then failed over; both calls count as possibly billed", async () => {
  await using openai = await startRecordedServer(hang);
  await using grok = await startRecordedServer();
  const impatient = { ...ADA, llm_config: { ...ADA.llm_config, timeout: 1 } };
  await using system = await startSystem({ openai, grok, agents: [impatient] });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(outcomes(result)).toEqual(["openai timeout", "openai timeout", "grok succeeded"]);
  const rows = await system.expectAccounted();
  for (const row of rows.slice(0, 2)) {
    expect(row).toMatchObject({ sent: "unknown", possiblyBilled: true, usage: null });
    // 280 output tokens at 0.50 per million alone are 140 micro-USD.
    expect(row.costMicroUsd).toBeGreaterThan(140);
    expect(row.durationMs).toBeGreaterThanOrEqual(999);
  }
  expect(rows[2]).toMatchObject({ provider: "grok", possiblyBilled: false });
  await openai.idle();
  expect(
    openai.calls.map(({ state }) => state),
    "the calls were given up",
  ).toEqual(["broken", "broken"]);
});

it.each([
  ["a reset before the answer", reset],
  ["a reset in the middle of the body", resetInBody],
] satisfies [string, Answer][])("%s: one retry at most, possibly billed", async (_, answer) => {
  await using openai = await startRecordedServer(answer);
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(outcomes(result)).toEqual(["openai disconnected", "openai disconnected", "grok succeeded"]);
  const rows = await system.expectAccounted();
  expect(rows.map(({ possiblyBilled }) => possiblyBilled)).toEqual([true, true, false]);
});

it("a refused connection was never sent: it costs nothing, is retried and failed over", async () => {
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai: CLOSED_PORT_URL, grok });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(outcomes(result)).toEqual([...Array.from({ length: 3 }, () => "openai network"), "grok succeeded"]);
  const rows = await system.expectAccounted();
  for (const row of rows.slice(0, 3)) expect(row).toMatchObject({ sent: "no", costMicroUsd: 0, possiblyBilled: false });
});

it("the whole chain down: one record that names each provider's reason, and no call too many", async () => {
  await using openai = await startRecordedServer(SERVER_ERROR);
  await using grok = await startRecordedServer(recordedAnswer("grok/503-model-did-not-respond.json"));
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  const result = await system.run({ id: "a", kind: "tweet", agent: "ada" });
  expect(reasonOf(result)).toMatch(
    /^openai\/gpt-6-luna: overloaded after 3 attempts \(HTTP 500: .+\); grok\/grok-4\.3: overloaded after 3 attempts \(HTTP 503.*\)$/,
  );
  expect(callsOf(openai, grok)).toEqual([3, 3]);
  const job = await system.queued("openai~gpt-6-luna>grok~grok-4.3", "a", "failed");
  expect(job.failedReason, "Bull Board shows the same").toBe(reasonOf(result));
  await system.expectAccounted();
});

it("calls of one job are bounded over all its providers", async () => {
  await using openai = await startRecordedServer(SERVER_ERROR);
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok, settings: { retries: { maxCalls: 2, baseSeconds: 0.005 } } });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(reasonOf(result)).toMatch(/^2 calls were made for this job, the most allowed/);
  expect(callsOf(openai, grok)).toEqual([2, 0]);
  await system.expectAccounted();
});

it("an invalid request is our fault: no retry, no fail-over, no pause", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/400-invalid-type.json"), completionAnswer());
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(reasonOf(result)).toMatch(/^openai\/gpt-6-luna: invalid-request \(HTTP 400: Invalid type for 'metadata/);
  expect(callsOf(openai, grok)).toEqual([1, 0]);
  expect(await system.run({ kind: "tweet", agent: "ada" }), "the next job").toMatchObject({ provider: "openai" });
  await system.expectAccounted();
});

it("an unsupported parameter is dropped once, and the result says so", async () => {
  const refusal = recordedAnswer("openai/400-unsupported-value-temperature.json");
  await using openai = await startRecordedServer(refusal, completionAnswer());
  await using system = await startSystem({ openai, grok: openai });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "ada" });
  expect(outcomes(result)).toEqual(["openai unsupported-parameter", "openai succeeded"]);
  expect(openai.calls.map(({ body }) => "temperature" in (body ?? {}))).toEqual([true, false]);
  const why = "the vendor refused it earlier";
  expect(result.status === "succeeded" && result.adjustedParams).toContainEqual({
    ...{ parameter: "temperature", change: "dropped", why },
  });
});

it("a parameter that is refused although it was dropped fails over", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/400-unsupported-value-temperature.json"));
  await using grok = await startRecordedServer();
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  expect(await system.run({ kind: "tweet", agent: "ada" })).toMatchObject({ status: "succeeded", provider: "grok" });
  expect(callsOf(openai, grok)).toEqual([2, 1]);
  await system.expectAccounted();
});

/** The vendor quotes the key that it was given. */
function quoteKey({ headers }: SeenCall): ReturnType<typeof recordedAnswer> {
  const { response } = recordedAnswer("openai/401-invalid-api-key.json");
  const key = String(headers["authorization"]).replace("Bearer ", "");
  const message = `Incorrect API key provided: ${key}. You can find your API key at https://platform.openai.com.`;
  return {
    response: { ...response, body: { error: { message, code: "invalid_api_key", type: "invalid_request_error" } } },
  };
}

it.each([
  ["401, with the key quoted back", quoteKey, "authentication", 401],
  ["404", recordedAnswer("openai/404-model-not-found.json"), "model-not-found", 404],
] satisfies [string, Answer, string, number][])(
  "%s: one call, then the fall-back; the provider is left alone; an alert",
  async (_, answer, outcome, status) => {
    await using openai = await startRecordedServer(answer);
    await using grok = await startRecordedServer();
    await using system = await startSystem({ openai, grok });
    await system.startWorker();
    const result = await system.run({ kind: "tweet", agent: "ada" });
    expect(outcomes(result)).toEqual([`openai ${outcome}`, "grok succeeded"]);
    expect(outcomes(await system.run({ kind: "tweet", agent: "ada" }))).toEqual(["grok succeeded"]);
    expect(callsOf(openai, grok)).toEqual([1, 2]);
    expect(system.logs.filter((line) => line["alert"] === true)).toMatchObject([
      { provider: "openai", outcome, status },
    ]);
    // Logs are looked through by `expectAccounted`; records are what producers read.
    const everything = JSON.stringify([result, await system.expectAccounted()]);
    expect(everything).not.toContain(TEST_KEYS.openai);
  },
);

it("xAI's 400 for a wrong key counts as one", async () => {
  await using grok = await startRecordedServer(recordedAnswer("grok/400-incorrect-api-key.json"));
  await using openai = await startRecordedServer();
  const agent = { id: "g", name: "G", llm_provider: "grok", llm_config: { fallback_provider: "openai" } };
  await using system = await startSystem({ openai, grok, agents: [agent] });
  await system.startWorker();
  expect(outcomes(await system.run({ kind: "tweet", agent: "g" }))).toEqual([
    "grok authentication",
    "openai succeeded",
  ]);
  await system.expectAccounted();
});

it.each([
  ["an empty text", completionAnswer({ text: "" })],
  ["white space", completionAnswer({ text: " \n\t" })],
  ["no text at all", completionAnswer({ text: null })],
  ["HTML", recordedAnswer("openai-compatible/200-html-page.json")],
  ["something that is not HTTP", notHttp],
] satisfies [string, Answer][])("%s is no result: it is retried", async (_, answer) => {
  await using openai = await startRecordedServer(answer, completionAnswer({ text: "At last." }));
  await using system = await startSystem({ openai });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "nori" });
  expect(result).toMatchObject({ status: "succeeded", text: "At last." });
  expect(outcomes(result)).toEqual(["openai invalid-response", "openai succeeded"]);
  await system.expectAccounted();
});

it("an empty text that was cut by length is tried once more with room for reasoning, and both are paid", async () => {
  const usage = { prompt_tokens: 40, completion_tokens: 280, completion_tokens_details: { reasoning_tokens: 280 } };
  const cut = completionAnswer({ text: "", finishReason: "length", usage });
  await using openai = await startRecordedServer(cut, completionAnswer());
  await using system = await startSystem({ openai });
  await system.startWorker();
  const result = await system.run({ kind: "tweet", agent: "nori" });
  expect(outcomes(result)).toEqual(["openai truncated-empty", "openai succeeded"]);
  expect(openai.calls.map(({ body }) => body?.["max_completion_tokens"])).toEqual([280, 1120]);
  // 40 · 0.10 + 280 · 0.50, and the 8 of the second answer.
  expect(result.costMicroUsd).toBe(144 + 8);
  await system.expectAccounted();
});

it("a worker without the primary's key uses the fall-back, and says why in the record when that fails", async () => {
  await using grok = await startRecordedServer(completionAnswer(), recordedAnswer("grok/400-incorrect-api-key.json"));
  await using system = await startSystem({ grok });
  await system.startWorker();
  expect(outcomes(await system.run({ kind: "tweet", agent: "ada" }))).toEqual(["grok succeeded"]);
  const failed = await system.run({ kind: "tweet", agent: "ada" });
  expect(reasonOf(failed)).toMatch(/^openai\/gpt-6-luna: not configured on this worker; grok\/grok-4\.3: /);
  await system.expectAccounted();
});

it("a parameter that a model refuses is left out, and left out from the beginning by all who come later", async () => {
  const refusal = recordedAnswer("openai/400-unsupported-value-temperature.json");
  await using openai = await startRecordedServer(refusal, completionAnswer());
  await using system = await startSystem({ openai });
  const first = await system.startWorker();
  const learned = await system.run({ kind: "tweet", agent: "nori" });
  expect(outcomes(learned)).toEqual(["openai unsupported-parameter", "openai succeeded"]);
  await system.run({ kind: "tweet", agent: "nori" });
  await first.stop();
  await system.startWorker();
  const later = await system.run({ kind: "tweet", agent: "nori" });

  expect(openai.calls.map(({ body }) => body?.["temperature"])).toEqual([0.7, undefined, undefined, undefined]);
  expect(later.status === "succeeded" && later.adjustedParams).toContainEqual({
    parameter: "temperature",
    change: "dropped",
    why: "the vendor refused it earlier",
  });
  await system.expectAccounted();
});
