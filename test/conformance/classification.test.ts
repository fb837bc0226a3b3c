import { describe, expect, it } from "vitest";
import { readMessage } from "../../src/providers/anthropic/read-message.ts";
import { readContent } from "../../src/providers/gemini/read-content.ts";
import { parseJson } from "../../src/providers/http/json.ts";
import { readBody, type ReadAnswer } from "../../src/providers/http/read-answer.ts";
import { classifyError, type Classification } from "../../src/providers/http/classify-error.ts";
import { readCompletion } from "../../src/providers/openai-compatible/read-completion.ts";
import { MEANING } from "./meanings.ts";
import { bodyTextOf, recordedAnswer, recordedAnswerFiles } from "../support/recorded-answers.ts";

/** By the folder; most vendors speak chat completions. */
function readerFor(file: string): (body: unknown) => ReadAnswer | null {
  if (file.startsWith("gemini/")) return readContent;
  if (file.startsWith("anthropic/")) return readMessage;
  return (body) => readCompletion(body, "inside-completion");
}

function meaningOf(file: string): { kind: string; parameter?: string | null; retryAfterMs?: number | null } {
  const answer = recordedAnswer(file);
  const { status, headers, body, bodyText } = answer.response;
  if (status < 300) {
    const text = bodyTextOf(answer);
    const { outcome } = readBody(text, parseJson(text), readerFor(file));
    return { kind: "kind" in outcome ? outcome.kind : "text" };
  }
  return classifyError({ status, headers, body: body ?? bodyText, now: 0 });
}

describe("every recorded answer means what it should", () => {
  it.each(Object.entries(MEANING))("%s", (file, [kind, detail = null]) => {
    const meaning = meaningOf(file);

    expect(meaning.kind).toBe(kind);
    expect(meaning.parameter ?? null).toBe(kind === "unsupported-parameter" ? detail : null);
    expect(meaning.retryAfterMs ?? null).toBe(typeof detail === "number" ? detail : null);
  });

  it("none is left out of this table", () => {
    // What a stream means is not known before its last event, and lists of models and batches are no answers: not this
    // table's matter.
    const files = recordedAnswerFiles().filter((file) => !/\/200-(stream-|models\.|batch-)/.test(file));

    expect(Object.keys(MEANING).sort()).toEqual(files);
    expect(files.length).toBeGreaterThanOrEqual(25);
  });
});

describe("rows without a recorded answer", () => {
  it.each([
    [402, {}, "quota-exhausted"],
    [409, {}, "overloaded"],
    [410, {}, "model-not-found"],
    [418, {}, "invalid-request"],
    [529, {}, "overloaded"],
    [524, "<html>", "overloaded"],
    [307, "", "invalid-response"],
    [503, { error: { code: "slow_down", message: "Slow down" } }, "rate-limited"],
    [429, { error: { code: "project_spend_limit_exceeded", message: "no" } }, "quota-exhausted"],
    [402, { error: { type: "billing_error", message: "no" } }, "quota-exhausted"],
    [
      429,
      { error: { type: "rate_limit_error", details: { error_code: "contract_spend_limit_reached" } } },
      "quota-exhausted",
    ],
    [400, { error: { details: { error_code: "organization_on_hold" }, message: "no" } }, "authentication"],
    [400, { error: { message: "messages.0.name: Extra inputs are not permitted" } }, "invalid-request"],
    [429, { error: { code: "organization_usage_limit_exceeded", message: "no" } }, "quota-exhausted"],
    [403, { code: "personal-team-blocked:spending-limit", error: "no" }, "quota-exhausted"],
    [413, { error: { message: "Request too large: Limit 6,000, Requested 12,345" } }, "request-too-large"],
    [500, { error: { message: "The model does not exist" } }, "overloaded"],
    [400, { error: { message: "Unrecognized request argument supplied: foo" } }, "unsupported-parameter"],
  ])("%d %j is %s", (status, body, kind) => {
    expect(classifyError({ status, headers: {}, body, now: 0 }).kind).toBe(kind);
  });
});

describe("Gemini, which calls every limit a quota", () => {
  const message = "You exceeded your current quota, please check your plan and billing details.";
  const type = "type.googleapis.com/google.rpc";
  const retryInfo = { "@type": `${type}.RetryInfo`, retryDelay: "34.074824224s" };
  const failure = (...quotaIds: string[]) => ({
    "@type": `${type}.QuotaFailure`,
    violations: quotaIds.map((quotaId) => ({ quotaId })),
  });
  const PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
  const PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";

  it.each([
    ["when to try again", [retryInfo], 34_075],
    ["which limit it is", [failure(PER_MINUTE)], null],
    ["both", [failure(PER_MINUTE), retryInfo], 34_075],
    ["that it is the day's too", [failure(PER_MINUTE, PER_DAY), retryInfo], 8 * 3_600_000],
  ])("is only rate-limited when it says %s", (_, details, retryAfterMs) => {
    const body = [{ error: { code: 429, message, status: "RESOURCE_EXHAUSTED", details } }];
    expect(classifyError({ status: 429, headers: {}, body, now: 0 })).toMatchObject({
      kind: "rate-limited",
      retryAfterMs,
    });
    expect(classifyError({ status: null, headers: {}, body, now: 0 }), "in a stream").toMatchObject({
      kind: "rate-limited",
      retryAfterMs,
    });
  });

  it("is out of quota when it says neither", () => {
    const body = [{ error: { code: 429, message, status: "RESOURCE_EXHAUSTED" } }];
    expect(classifyError({ status: 429, headers: {}, body, now: 0 }).kind).toBe("quota-exhausted");
  });

  it("is out of quota at the operator's own spending cap", () => {
    const capped = "Your project has exceeded its monthly spending cap. Please go to AI Studio to manage it.";
    const body = { error: { code: 429, message: capped, status: "RESOURCE_EXHAUSTED" } };
    expect(classifyError({ status: 429, headers: {}, body, now: 0 }).kind).toBe("quota-exhausted");
  });
});

describe("a name that Google does not know", () => {
  it.each([
    ["topP", "generation_config", "top_p"],
    ["presencePenalty", "generation_config", "presence_penalty"],
    ["thinkingConfig", "generation_config", "thinkingConfig"],
    ["thinkingLevel", "generation_config.thinking_config", "thinkingConfig"],
  ])("%s is left out", (name, place, parameter) => {
    expect(unknownName(name, place)).toMatchObject({ kind: "unsupported-parameter", parameter });
  });

  it.each(["contents", "systemInstruction", "maxOutputTokens"])("%s cannot be left out", (name) => {
    expect(unknownName(name, "generation_config")).toMatchObject({ kind: "invalid-request", parameter: null });
  });

  function unknownName(name: string, place: string): Classification {
    const message = `Invalid JSON payload received. Unknown name "${name}" at '${place}': Cannot find field.`;
    const body = { error: { code: 400, message, status: "INVALID_ARGUMENT" } };
    return classifyError({ status: 400, headers: {}, body, now: 0 });
  }
});
