import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleMessage } from "../../../src/providers/anthropic/assemble-message.ts";
import { readMessage } from "../../../src/providers/anthropic/read-message.ts";
import { assembleContent } from "../../../src/providers/gemini/assemble-content.ts";
import { readContent } from "../../../src/providers/gemini/read-content.ts";
import { readRows } from "../../../src/providers/http/batch-rows.ts";
import { classifyError } from "../../../src/providers/http/classify-error.ts";
import { createEventDecoder } from "../../../src/providers/http/event-decoder.ts";
import { parseJson } from "../../../src/providers/http/json.ts";
import { limitReports } from "../../../src/providers/http/limit-headers.ts";
import { retryAfterMs } from "../../../src/providers/http/retry-after.ts";
import { StreamReader } from "../../../src/providers/http/stream-reader.ts";
import { readVendorError } from "../../../src/providers/http/vendor-error.ts";
import { assembleCompletion } from "../../../src/providers/openai-compatible/assemble-completion.ts";
import { readCompletion } from "../../../src/providers/openai-compatible/read-completion.ts";
import { ProviderError } from "../../../src/providers/provider-error.ts";
import { damaged, expectNothingPolluted, jsonWith, runs } from "./fuzz.ts";

/* Vendors are no users: whatever they answer is read, or is no answer. Nothing that they send throws. */

const DAY_MS = 24 * 3600_000;
const NOW = Date.UTC(2026, 10, 25, 18);
const USAGE = { prompt_tokens: 3, completion_tokens: 5 };

const VENDORS = [
  {
    name: "chat completions",
    read: (body: unknown) => readCompletion(body, "inside-completion"),
    open: assembleCompletion,
    body: { id: "c", model: "m", choices: [{ finish_reason: "stop", message: { content: "tea" } }], usage: USAGE },
    events: [
      { id: "c", choices: [{ delta: { content: "te" } }] },
      { choices: [{ delta: { content: "a" }, finish_reason: "stop" }], usage: USAGE },
    ],
  },
  {
    name: "messages",
    read: readMessage,
    open: assembleMessage,
    body: { id: "m", content: [{ type: "text", text: "tea" }], stop_reason: "end_turn", usage: { input_tokens: 3 } },
    events: [
      { type: "message_start", message: { id: "m", usage: { input_tokens: 3 } } },
      { type: "content_block_delta", delta: { text: "tea" } },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    ],
  },
  {
    name: "Gemini",
    read: readContent,
    open: assembleContent,
    body: { candidates: [{ content: { parts: [{ text: "tea" }] }, finishReason: "STOP" }], usageMetadata: {} },
    events: [{ candidates: [{ content: { parts: [{ text: "tea" }] }, finishReason: "STOP" }] }],
  },
];

const NAMES = [
  ...[
    "id",
    "model",
    "choices",
    "message",
    "content",
    "delta",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "type",
    "text",
  ],
  ...["candidates", "parts", "finishReason", "usageMetadata", "error", "code", "details", "retryDelay", "violations"],
  ...["stop_reason", "input_tokens", "output_tokens", "completion_tokens_details", "promptTokenCount", "param", "0"],
];
const anything = jsonWith(NAMES, [
  "stop",
  "tea",
  "STOP",
  "34.5s",
  "error",
  "[DONE]",
  "type.googleapis.com/google.rpc.RetryInfo",
]);
const jsonText = (values: readonly unknown[]) =>
  damaged(fc.constantFrom(...values.map((value) => JSON.stringify(value))));

describe.each(VENDORS)("an answer of $name", ({ read, open, body, events }) => {
  it("is read, or is none, and its tokens are counts", () => {
    fc.assert(
      fc.property(fc.oneof(anything, jsonText([body]).map(parseJson)), (value) => {
        const answer = read(value);
        for (const count of Object.values(answer?.usage ?? {}))
          if (typeof count === "number") expect(Number.isFinite(count) && count >= 0).toBe(true);
        if (answer !== null && "text" in answer.outcome) expect(answer.outcome.text.trim()).not.toBe("");
        expectNothingPolluted();
      }),
      runs(),
    );
  });

  it("that comes as a stream is put together, whatever comes and however it is cut", () => {
    const written = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
    const stream = fc.oneof(damaged(fc.constant(written)), fc.array(anything, { maxLength: 4 }).map(streamOf));
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 40 }), (text, size) => {
        const told: string[] = [];
        const reader = new StreamReader(open(), (textSoFar) => void told.push(textSoFar));
        let isOpen = true;
        const decoder = createEventDecoder(64 * 1024, (event) => {
          // What comes later is not looked at any more.
          if (isOpen) isOpen = reader.take(event) === "goes-on";
        });
        const bytes = Buffer.from(text);
        for (let start = 0; start < bytes.length; start += size)
          if (!decoder.feed(bytes.subarray(start, start + size))) break;
        const whole = reader.whole();
        if (whole !== null) read(whole);
        expect(told.map(({ length }) => length)).toEqual(told.map(({ length }) => length).sort((a, b) => a - b));
        expectNothingPolluted();
      }),
      runs(0.5),
    );
  });
});

describe("a refusal", () => {
  it("is put into one class, with a wait that is sensible, whatever its headers and body are", () => {
    const number = fc.oneof(
      fc.constantFrom("0", "1", "-5", "1e9", "99999999999999999999", "NaN", "Infinity", "0x10", " 7 ", "", "٣"),
      fc.constantFrom("Wed, 25 Nov 2026 18:00:30 GMT", "Wed, 99 Nov 2026", "2026-11-25T18:00:30Z", "6m0s", "114h18m0s"),
      fc.string({ unit: "binary", maxLength: 10 }),
    );
    const name = fc.constantFrom(
      ...["retry-after", "retry-after-ms", "date", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"],
      ...["x-ratelimit-reset-requests", "x-ratelimit-renewalperiod-tokens", "x-ratelimit-limit-tokens"],
      ...["anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining"],
      "anthropic-ratelimit-requests-reset",
    );
    const body = fc.oneof(
      anything,
      jsonText([
        { error: { message: "Please try again in 1m3.5s", code: "rate_limit_exceeded" } },
        { error: { details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.07s" }] } },
      ]).map(parseJson),
    );
    fc.assert(
      fc.property(
        fc.dictionary(name, number),
        body,
        fc.integer({ min: 400, max: 599 }),
        (headers, answered, status) => {
          const { message, retryDelay, quotas } = readVendorError(answered);
          const wait = retryAfterMs({ headers, message, retryDelay, quotas, now: NOW });
          if (wait !== null) expect(Number.isInteger(wait) && wait >= 0 && wait <= DAY_MS).toBe(true);
          for (const { limit, remaining, periodMs } of limitReports(headers)) {
            expect(Number.isSafeInteger(limit) && limit >= 1 && (periodMs === 60_000 || periodMs === DAY_MS)).toBe(
              true,
            );
            if (remaining !== null)
              expect(Number.isInteger(remaining) && remaining >= 0 && remaining <= limit).toBe(true);
          }
          expect(classifyError({ status, headers, body: answered, now: NOW }).kind).toMatch(/^[a-z-]+$/);
          expect(message).not.toMatch(/\p{Cc}/u);
          expect(message.length).toBeLessThanOrEqual(2000);
          expectNothingPolluted();
        },
      ),
      runs(),
    );
  });
});

describe("a file of batch results", () => {
  it("gives every row that it tells of once at the most a line, and what cannot be read fails alone", async () => {
    const request = {} as Parameters<typeof readRows>[1] extends ReadonlyMap<string, infer Request> ? Request : never;
    const rows = new Map([1, 2, 3].map((number) => [`batch-${number}`, request]));
    const good = [1, 2, 9].map((number) => JSON.stringify({ custom_id: `batch-${number}`, response: { body: {} } }));
    const reader = {
      id: "openai",
      outcomeOf: (line: unknown) => (typeof line === "object" && line !== null ? ({ is: "expired" } as const) : null),
    };
    await fc.assert(
      fc.asyncProperty(damaged(fc.constant(good.join("\n"))), fc.boolean(), async (text, isCut) => {
        const lines = text.split("\n").map((line) => ({ text: line, isCut }));
        const ids: string[] = [];
        try {
          for await (const [id, outcome] of readRows(linesOf(lines), rows, reader)) {
            ids.push(id);
            if (isCut) expect(outcome.is).toBe("failed");
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ProviderError);
        }
        expect(ids.length).toBeLessThanOrEqual(lines.length);
        expect(ids.filter((id) => !rows.has(id))).toEqual([]);
      }),
      runs(),
    );
  });
});

async function* linesOf<T>(lines: readonly T[]): AsyncGenerator<T> {
  yield* lines;
}

function streamOf(events: readonly unknown[]): string {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
}
