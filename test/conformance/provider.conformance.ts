import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { generateRequest } from "../support/generate-request.ts";
import { drip, hang, huge, notHttp, reset, resetInBody } from "../support/misbehaving-answers.ts";
import { recordedAnswer, type RecordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import {
  skipping,
  start,
  wireOf,
  startHanging,
  started,
  KEY,
  never,
  type ProviderSubject,
  registryOf,
} from "./subject.ts";
import type { Wire } from "./wire.ts";
import { meaningConformance } from "./meaning.conformance.ts";
import { streamConformance } from "./stream.conformance.ts";

export function providerConformance(subject: ProviderSubject): void {
  describe(`${subject.id} as a provider`, () => {
    forEveryProvider(subject);
    answersOverHttp(subject);
    limitsOfTheVendor(subject);
    failuresOfTheConnection(subject);
    meaningConformance(subject);
    streamConformance(subject);
  });
}

function forEveryProvider(subject: ProviderSubject): void {
  it("answers with a text, a usage that adds up, and the names of what answered", async () => {
    await using it = await start(subject, ({ whole }) => [whole({ model: subject.model })]);
    const response = await it.provider.generate(generateRequest({ model: subject.model }), never);

    expect(response.text.trim()).not.toBe("");
    expect(response.finishReason).toBe("stop");
    expect(response.model).toBe(subject.model);
    expect(response.requestId).not.toBe("");
    expect(response.usage.estimated).toBe(false);
    expect(response.usage.inputTokens).toBeGreaterThan(0);
    expect(response.usage.outputTokens).toBeGreaterThan(0);
    expect(response.usage.cachedInputTokens).toBeLessThanOrEqual(response.usage.inputTokens);
    expect(response.usage.reasoningTokens).toBeLessThanOrEqual(response.usage.outputTokens);
  });

  it("leaves nothing on the signal, which may serve for many calls", async () => {
    await using it = await start(subject);
    const { signal } = new AbortController();
    await it.provider.generate(generateRequest({ model: subject.model }), signal);

    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("makes no call once the signal has fired", async () => {
    await using it = await start(subject);
    const failure = await it.failure({}, AbortSignal.abort());

    expect(failure).toMatchObject({ kind: "aborted", sent: "no" });
    expect(it.server.calls).toHaveLength(0);
  });

  it("stops when the signal fires during the call", async () => {
    await using it = await startHanging(subject);
    const controller = new AbortController();
    const failure = it.failure({}, controller.signal);
    if (!("skip" in subject.wire)) await it.server.seen(1);
    controller.abort();

    expect(await failure).toMatchObject({ kind: "aborted", sent: "unknown" });
    await it.server.idle();
  });

  it("stops at the deadline, and cannot know whether the call was billed", async () => {
    await using it = await startHanging(subject);
    const failure = await it.failure({ timeoutMs: 100 });

    expect(failure).toMatchObject({ kind: "timeout", sent: "unknown" });
    await it.server.idle();
  });
}

function answersOverHttp(subject: ProviderSubject): void {
  const check = skipping(subject);

  check("sends the key in its header and nowhere else", async () => {
    await using it = await start(subject);
    await it.provider.generate(generateRequest({ model: subject.model }), never);

    const [call] = it.server.calls;
    const { name, value } = it.wire.keyHeader;
    expect(call).toMatchObject({ method: "POST", url: it.wire.path(subject.model, "whole") });
    expect(call?.headers[name]).toBe(value(KEY));
    expect(JSON.stringify([call?.url, call?.body, { ...call?.headers, [name]: "" }])).not.toContain(KEY);
    expect(Object.keys(call?.headers ?? {}).filter((header) => /stainless|x-goog-api-client/.test(header))).toEqual([]);
  });

  check("keeps a key that the vendor echoes out of the error", async () => {
    const body = { error: { message: `Incorrect API key provided: ${KEY}.`, code: KEY, type: "t" } };
    await using it = await start(subject, () => [jsonAnswer(401, body)]);

    expect(await it.failure()).toMatchObject({
      kind: "authentication",
      status: 401,
      message: "HTTP 401: Incorrect API key provided: [key].",
    });
  });

  check("tries once, whatever comes back", async () => {
    await using it = await start(subject, ({ whole }) => [jsonAnswer(500, {}), whole()]);
    expect(await it.failure()).toMatchObject({ kind: "overloaded", sent: "yes", status: 500 });
    expect(it.server.calls).toHaveLength(1);
  });

  check("takes a missing usage for an estimate and says so", async () => {
    await using it = await start(subject, ({ whole }) => [whole({ text: "12345678", usage: false })]);
    const { usage } = await it.provider.generate(generateRequest({ model: subject.model }), never);

    expect(usage).toMatchObject({ estimated: true, outputTokens: 2, raw: null });
  });

  check("keeps the usage of an answer that was cut before any text", async () => {
    await using it = await start(subject, ({ recorded }) => [recordedAnswer(recorded.truncatedEmpty.file)]);
    const failure = await it.failure();

    expect(failure).toMatchObject({ kind: "truncated-empty", sent: "yes", status: 200 });
    expect(failure.usage).toMatchObject(it.wire.recorded.truncatedEmpty.usage);
  });

  check("keeps the usage of a refusal and of a filtered answer", async () => {
    await using it = await start(subject);
    expect(it.wire.recorded.refusals.length).toBeGreaterThan(0);
    for (const { file, usage } of it.wire.recorded.refusals) {
      it.server.answerWith(recordedAnswer(file));
      expect(await it.failure()).toMatchObject({ kind: "content-filtered", usage });
    }
  });

  check("says what came in place of a completion", async () => {
    await using it = await start(subject);
    for (const [answer, message] of noCompletions(it.wire)) {
      it.server.answerWith(answer);
      const failure = await it.failure();
      expect(failure).toMatchObject({ kind: "invalid-response", sent: "yes" });
      expect(failure.message).toMatch(message);
    }
  });

  check("follows no redirect", async () => {
    await using other = await startRecordedServer();
    const headers = { location: `${other.baseUrl}/elsewhere` };
    await using it = await start(subject, () => [{ response: { status: 307, headers, bodyText: "" } }]);

    expect(await it.failure()).toMatchObject({
      kind: "invalid-response",
      status: 307,
      message: "HTTP 307: a redirect, which is not followed",
    });
    expect(other.calls).toHaveLength(0);
  });

  check("passes on how long to wait, and the request id", async () => {
    const answer = jsonAnswer(429, { error: "slow down" }, { "retry-after": "7", "x-request-id": "req_1" });
    await using it = await start(subject, () => [answer]);

    expect(await it.failure()).toMatchObject({
      kind: "rate-limited",
      retryAfterMs: 7000,
      requestId: "req_1",
      message: "HTTP 429: slow down",
    });
  });
}

const LIMIT_HEADERS = {
  "x-ratelimit-limit-requests": "500",
  "x-ratelimit-remaining-requests": "499",
  "x-ratelimit-reset-requests": "120ms",
  "anthropic-ratelimit-input-tokens-limit": "30000",
  "anthropic-ratelimit-input-tokens-remaining": "0",
};
const LIMITS = [
  { counts: "requests", limit: 500, periodMs: 60_000, remaining: 499 },
  { counts: "inputTokens", limit: 30_000, periodMs: 60_000, remaining: 0 },
];

function limitsOfTheVendor(subject: ProviderSubject): void {
  const check = skipping(subject);

  check("passes on what an answer says about limits", async () => {
    await using it = await start(subject, ({ whole }) => [withHeaders(whole(), LIMIT_HEADERS), whole()]);
    const request = generateRequest({ model: subject.model });

    expect((await it.provider.generate(request, never)).limits).toEqual(LIMITS);
    expect((await it.provider.generate(request, never)).limits).toEqual([]);
  });

  check("passes on what an error says about limits, and what comes in place of a completion", async () => {
    await using it = await start(subject, () => [
      jsonAnswer(429, { error: "slow down" }, LIMIT_HEADERS),
      jsonAnswer(500, {}, LIMIT_HEADERS),
      jsonAnswer(200, "noise", LIMIT_HEADERS),
      jsonAnswer(429, { error: "slow down" }),
    ]);

    expect(await it.failure()).toMatchObject({ kind: "rate-limited", limits: LIMITS });
    expect(await it.failure()).toMatchObject({ kind: "overloaded", limits: LIMITS });
    expect(await it.failure()).toMatchObject({ kind: "invalid-response", status: 200, limits: LIMITS });
    expect(await it.failure()).toMatchObject({ kind: "rate-limited", limits: [] });
  });

  check("says how large a request is that no wait makes fit, and what the limit is", async () => {
    await using it = await start(subject, () => [recordedAnswer("openai/429-request-too-large.json")]);

    expect(await it.failure()).toMatchObject({
      kind: "request-too-large",
      retryAfterMs: null,
      message: expect.stringContaining(
        "HTTP 429: Request too large for gpt-5-nano in organization org-XXXX on tokens per min (TPM): Limit 200000, " +
          "Requested 2500013. The input or output tokens must be reduced in order to run successfully.",
      ) as string,
      limits: [
        { counts: "requests", limit: 500, periodMs: 60_000, remaining: 499 },
        { counts: "tokens", limit: 200_000, periodMs: 60_000, remaining: 200_000 },
      ],
    });
  });
}

function jsonAnswer(status: number, body: unknown, headers: Record<string, string> = {}): RecordedAnswer {
  return { response: { status, headers: { "content-type": "application/json", ...headers }, body } };
}

function textAnswer(bodyText: string): RecordedAnswer {
  return { response: { status: 200, headers: { "content-type": "application/json" }, bodyText } };
}

function withHeaders({ response }: RecordedAnswer, headers: Readonly<Record<string, string>>): RecordedAnswer {
  return { response: { ...response, headers: { ...response.headers, ...headers } } };
}

function noCompletions({ whole, recorded }: Wire): readonly (readonly [RecordedAnswer, string | RegExp])[] {
  return [
    [recordedAnswer("openai-compatible/200-html-page.json"), "HTTP 200: an HTML page in place of a completion"],
    [textAnswer('{"id":"chatcmpl-1","choices":[{"mess'), "HTTP 200: broken JSON in place of a completion"],
    [textAnswer(""), "HTTP 200: an empty body in place of a completion"],
    [textAnswer('"text"'), "HTTP 200: other JSON in place of a completion"],
    [jsonAnswer(200, recorded.noAnswer), /^HTTP 200: (an empty text|a completion without|other JSON)/],
    [whole({ text: " \n\t" }), /^HTTP 200: an empty text, finish reason/],
    [whole({ text: null }), /^HTTP 200: an empty text, finish reason/],
  ];
}

function failuresOfTheConnection(subject: ProviderSubject): void {
  const check = skipping(subject);

  check("knows that a refused connection was never seen", async () => {
    await using it = await start(subject);
    await it.server.close();

    expect(await it.failure()).toMatchObject({
      kind: "network",
      sent: "no",
      status: null,
      message: "no connection (ECONNREFUSED)",
    });
  });

  check("does not know whether a call was billed when the connection breaks after sending", async () => {
    await using it = await start(subject, () => [reset, resetInBody]);

    expect(await it.failure()).toMatchObject({ kind: "disconnected", sent: "unknown", status: null });
    expect(await it.failure()).toMatchObject({ kind: "disconnected", sent: "unknown", status: 200 });
    expect(it.server.calls).toHaveLength(2);
  });

  check("ends a slow drip at the deadline", async () => {
    await using it = await start(subject, () => [drip]);
    const failure = await it.failure({ timeoutMs: 150 });

    expect(failure).toMatchObject({ kind: "timeout", sent: "unknown", status: 200 });
    expect(failure.message).toBe("no complete answer within 150 ms");
    await it.server.idle();
  });

  check("cuts off a huge reply", async () => {
    for (const announced of [true, false]) {
      await using it = await start(subject, () => [huge({ announced })]);
      const before = process.memoryUsage().rss;
      const failure = await it.failure();

      expect(failure).toMatchObject({ kind: "invalid-response", sent: "yes", status: 200 });
      expect(failure.message).toBe("the answer is larger than 4 MiB and was cut off");
      expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
      await it.server.idle();
      expect(it.server.calls[0]?.state).toBe("broken");
    }
  });

  check("does not take another protocol for an answer", async () => {
    await using it = await start(subject, () => [notHttp]);
    expect(await it.failure()).toMatchObject({ kind: "invalid-response", sent: "yes" });
  });

  check("does not talk to a server without TLS when TLS was asked for", async () => {
    await using server = await startRecordedServer();
    const origin = new URL(server.baseUrl).origin.replace("http:", "https:");
    const wire = wireOf(subject);
    await using it = started(subject, server, registryOf(subject, { baseUrl: wire.baseUrl(origin), apiKey: KEY }));

    expect(await it.failure()).toMatchObject({ kind: "certificate", sent: "no", status: null });
    expect(server.calls).toHaveLength(0);
  });

  check("works again after each of these, on the same connections", async () => {
    await using it = await start(subject, ({ whole }) => [reset, resetInBody, notHttp, hang, whole()]);
    for (const timeoutMs of [10_000, 10_000, 10_000, 100]) await it.failure({ timeoutMs });

    const response = await it.provider.generate(generateRequest({ model: subject.model }), never);
    expect(response.text).toBe("Hello from the test server.");
  });
}
