import { describe, expect, it } from "vitest";
import { planAnswers, promptMarker, startLimitedVendor, type LimitedVendor } from "./limited-vendor.ts";
import { createTokenBucket } from "./token-bucket.ts";

/** 40 requests a second. */
const REQUESTS_PER_MINUTE = 2400;
const BURST = 40;
const PACE_MS = 25;

/** A clock that only the test moves. */
function manualClock(): { now(): number; advance(ms: number): void } {
  let now = 1000;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

async function call(vendor: LimitedVendor, { key = "key", prompt = "Hi" } = {}): Promise<Response> {
  return await fetch(`${vendor.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-6-luna", messages: [{ role: "user", content: prompt }] }),
  });
}

async function callTimes(vendor: LimitedVendor, times: number): Promise<void> {
  for (let made = 0; made < times; made++) await (await call(vendor)).text();
}

describe("a token bucket", () => {
  it.each([60, 600, 2400, 4321, 1_000_000])(
    "of %i a minute takes its burst, and then exactly its pace",
    (perMinute) => {
      const bucket = createTokenBucket(perMinute);
      const burst = Math.floor(perMinute / 60);
      for (let taken = 0; taken < burst; taken++) {
        expect(bucket.waitMs(1, 0)).toBe(0);
        bucket.take(1, 0);
      }
      expect(bucket.waitMs(1, 0)).toBeGreaterThan(0);
      const firstAt = bucket.waitMs(1, 0);
      for (let taken = 0; taken < 2000; taken++) {
        const at = firstAt + taken * (60_000 / perMinute);
        expect(bucket.waitMs(1, at - 0.01)).toBeCloseTo(0.01);
        expect(bucket.waitMs(1, at)).toBe(0);
        bucket.take(1, at);
      }
    },
  );

  it("says what is in it and when it is full", () => {
    const bucket = createTokenBucket(2400);
    expect([bucket.remaining(0), bucket.fullInMs(0)]).toEqual([40, 0]);
    bucket.take(10, 0);
    expect([bucket.remaining(0), bucket.fullInMs(0)]).toEqual([30, 250]);
    expect([bucket.remaining(24), bucket.remaining(25), bucket.fullInMs(25)]).toEqual([30, 31, 225]);
    expect([bucket.remaining(9999), bucket.fullInMs(9999)]).toEqual([40, 0]);
  });

  it("never has room for more than it holds", () => {
    const bucket = createTokenBucket(2400);
    expect(bucket.waitMs(40, 0)).toBe(0);
    expect(bucket.waitMs(41, 0)).toBeCloseTo(25);
    expect(bucket.waitMs(41, 1e9)).toBeCloseTo(25);
  });
});

describe("a vendor with limits", () => {
  it("refuses nothing at exactly its pace", async () => {
    const clock = manualClock();
    await using vendor = await startLimitedVendor({ requestsPerMinute: REQUESTS_PER_MINUTE, now: clock.now });
    await callTimes(vendor, BURST);
    for (let made = 0; made < BURST; made++) {
      clock.advance(PACE_MS);
      await callTimes(vendor, 1);
    }
    expect(vendor.counts()).toMatchObject({ accepted: 2 * BURST, refused: 0 });
  });

  it("refuses what is above its burst, and charges nothing for it", async () => {
    const clock = manualClock();
    await using vendor = await startLimitedVendor({ requestsPerMinute: REQUESTS_PER_MINUTE, now: clock.now });
    await callTimes(vendor, 1.5 * BURST);
    expect(vendor.counts()).toMatchObject({ accepted: BURST, refused: 0.5 * BURST });
    expect(vendor.fullInMs()).toBe(1000);
    clock.advance(PACE_MS);
    expect((await call(vendor)).status).toBe(200);
    expect((await call(vendor)).status).toBe(429);
  });

  it("has a limit of its own for every key", async () => {
    await using vendor = await startLimitedVendor({ requestsPerMinute: 60, now: manualClock().now });
    const statuses: number[] = [];
    for (const key of ["a", "a", "b"]) statuses.push((await call(vendor, { key })).status);
    expect(statuses).toEqual([200, 429, 200]);
    expect(vendor.calls.map(({ key, outcome }) => `${key} ${outcome}`)).toEqual([
      "a accepted",
      "a refused: requests",
      "b accepted",
    ]);
  });

  it("charges the tokens that it reports", async () => {
    const clock = manualClock();
    // 1,000 tokens a second: room for 8 to 13 answers.
    await using vendor = await startLimitedVendor({ tokensPerMinute: 60_000, now: clock.now });
    let reported = 0;
    for (;;) {
      const response = await call(vendor);
      const { usage } = (await response.json()) as { usage?: { total_tokens: number } };
      if (usage === undefined) break;
      reported += usage.total_tokens;
      expect(response.headers.get("x-ratelimit-remaining-tokens")).toBe(String(1000 - reported));
    }
    expect(vendor.counts()).toMatchObject({ refused: 1, tokens: reported });
    expect(vendor.calls.at(-1)).toMatchObject({ outcome: "refused: tokens", tokens: 0 });
    expect(1000 - reported).toBeLessThan(125);
    expect(vendor.fullInMs()).toBeCloseTo(reported);
  });

  it("decides its answers in advance: a refusal changes none of them", async () => {
    const clock = manualClock();
    const options = { requestsPerMinute: 60, seed: "seven", now: clock.now };
    await using vendor = await startLimitedVendor(options);
    await callTimes(vendor, 3);
    clock.advance(1000);
    await callTimes(vendor, 1);
    const planned = planAnswers(options);
    const sizes = [planned.next(), planned.next()].map(({ promptTokens, completionTokens }) => [
      promptTokens,
      completionTokens,
    ]);
    expect(vendor.calls.filter(({ outcome }) => outcome === "accepted").map(({ tokens }) => tokens)).toEqual(
      sizes.map(([prompt = 0, completion = 0]) => prompt + completion),
    );
    vendor.restart();
    expect([vendor.calls, vendor.fullInMs()]).toEqual([[], 1000]);
    clock.advance(1000);
    await callTimes(vendor, 1);
    expect(vendor.counts().tokens).toBe((sizes[0]?.[0] ?? 0) + (sizes[0]?.[1] ?? 0));
  });

  it("plans answers of 100 tokens and lognormal latencies", () => {
    const planned = planAnswers({ medianLatencyMs: 150, latencySigma: 0.35 });
    const answers = Array.from({ length: 5001 }, () => planned.next());
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const prompts = answers.map(({ promptTokens }) => promptTokens);
    expect([Math.min(...prompts), Math.max(...prompts)]).toEqual([45, 75]);
    const tokens = answers.map(({ promptTokens, completionTokens }) => promptTokens + completionTokens);
    expect(Math.round(mean(tokens))).toBe(100);
    const logarithms = answers.map(({ latencyMs }) => Math.log(latencyMs / 150));
    expect(mean(logarithms)).toBeCloseTo(0, 1);
    expect(Math.sqrt(mean(logarithms.map((value) => value ** 2)))).toBeCloseTo(0.35, 1);
  });

  it("refuses in OpenAI's words", async () => {
    const clock = manualClock();
    await using vendor = await startLimitedVendor({ requestsPerMinute: REQUESTS_PER_MINUTE, now: clock.now });
    await callTimes(vendor, BURST);
    const response = await call(vendor);
    expect(await response.json()).toEqual({
      error: {
        message:
          "Rate limit reached for gpt-6-luna in organization org-test on requests per min (RPM): Limit 2400, Used 2400, Requested 1. Please try again in 25ms.",
        type: "requests",
        param: null,
        code: "rate_limit_exceeded",
      },
    });
    expect(headersOf(response)).toEqual({
      "retry-after": "1",
      "retry-after-ms": "25",
      "x-ratelimit-limit-requests": "2400",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1s",
    });
  });

  it("tells its limits with every answer, those that it has", async () => {
    const clock = manualClock();
    await using vendor = await startLimitedVendor({
      requestsPerMinute: 2400,
      tokensPerMinute: 600_000,
      now: clock.now,
    });
    const response = await call(vendor);
    const [{ tokens } = { tokens: NaN }] = vendor.calls;
    expect(headersOf(response)).toEqual({
      "x-ratelimit-limit-requests": "2400",
      "x-ratelimit-remaining-requests": "39",
      "x-ratelimit-reset-requests": "25ms",
      "x-ratelimit-limit-tokens": "600000",
      "x-ratelimit-remaining-tokens": String(10_000 - tokens),
      "x-ratelimit-reset-tokens": `${Math.ceil(tokens / 10)}ms`,
    });
  });

  it.each([
    ["seconds", { "retry-after": "1" }],
    ["none", {}],
  ] as const)("leaves headers out when told so (%s)", async (retryAfter, expected) => {
    const options = { requestsPerMinute: 60, limitHeaders: false, retryAfter, now: manualClock().now };
    await using vendor = await startLimitedVendor(options);
    expect(headersOf(await call(vendor))).toEqual({});
    expect(headersOf(await call(vendor))).toEqual(expected);
  });

  it("finds a call by the marker in its prompt", async () => {
    await using vendor = await startLimitedVendor({ now: manualClock().now });
    await call(vendor, { prompt: `Write about ${promptMarker("job-7")}.` });
    await call(vendor);
    expect(vendor.calls.map(({ marker }) => marker)).toEqual(["job-7", null]);
  });

  it("answers after its latency", async () => {
    await using vendor = await startLimitedVendor({ medianLatencyMs: 5 });
    expect((await call(vendor)).status).toBe(200);
    expect(vendor.counts()).toMatchObject({ accepted: 1, refused: 0 });
  });

  it("can be closed while an answer is still to come", async () => {
    const vendor = await startLimitedVendor({ medianLatencyMs: 60_000, latencySigma: 0 });
    const failed = call(vendor).catch((error: unknown) => error);
    await expect.poll(() => vendor.calls.length).toBe(1);
    await vendor[Symbol.asyncDispose]();
    expect(await failed).toBeInstanceOf(TypeError);
  });
});

function headersOf(response: Response): Record<string, string> {
  return Object.fromEntries([...response.headers].filter(([name]) => /^(x-ratelimit|retry-after)/.test(name)));
}
