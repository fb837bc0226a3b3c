import { describe, expect, it } from "vitest";
import type { ProviderErrorKind } from "../../src/providers/provider-error.ts";
import { readMessage } from "../../src/providers/anthropic/read-message.ts";
import { readContent } from "../../src/providers/gemini/read-content.ts";
import { readBody, type ReadAnswer } from "../../src/providers/http/read-answer.ts";
import { classifyError, type Classification } from "../../src/providers/http/classify-error.ts";
import { readCompletion } from "../../src/providers/openai-compatible/read-completion.ts";
import { bodyTextOf, recordedAnswer, recordedAnswerFiles } from "../support/recorded-answers.ts";

/** What every recorded answer means. Beside the kind: the parameter it names, or the milliseconds it asks us to wait. */
const MEANING: Readonly<Record<string, readonly [ProviderErrorKind | "text", (string | number | null)?]>> = {
  "anthropic/200-cache-write-and-read.json": ["text"],
  "anthropic/200-max-tokens-cut-text.json": ["text"],
  "anthropic/200-max-tokens-thinking-only.json": ["truncated-empty"],
  "anthropic/200-refusal.json": ["content-filtered"],
  "anthropic/200-text-opus-4-7.json": ["text"],
  "anthropic/200-text.json": ["text"],
  "anthropic/200-thinking-opus-5.json": ["text"],
  "anthropic/400-content-filtering-policy.json": ["content-filtered"],
  "anthropic/400-context-limit-exceeded.json": ["context-too-long"],
  "anthropic/400-credit-balance-too-low.json": ["quota-exhausted"],
  "anthropic/400-effort-not-supported.json": ["unsupported-parameter", "output_config.effort"],
  "anthropic/400-extra-inputs-not-permitted.json": ["unsupported-parameter", "response_format"],
  "anthropic/400-max-tokens-too-large.json": ["invalid-request"],
  "anthropic/400-organization-disabled.json": ["authentication"],
  "anthropic/400-prompt-too-long.json": ["context-too-long"],
  // One of the two is enough to leave out.
  "anthropic/400-temperature-and-top-p.json": ["unsupported-parameter", "top_p"],
  "anthropic/400-temperature-deprecated.json": ["unsupported-parameter", "temperature"],
  "anthropic/400-thinking-disabled-not-supported.json": ["unsupported-parameter", "thinking"],
  "anthropic/400-thinking-enabled-not-supported.json": ["unsupported-parameter", "thinking"],
  "anthropic/400-usage-limits-reached.json": ["quota-exhausted"],
  "anthropic/401-invalid-api-key.json": ["authentication"],
  "anthropic/403-permission-denied.json": ["authentication"],
  "anthropic/404-model-did-you-mean.json": ["model-not-found"],
  "anthropic/404-model-not-available.json": ["model-not-found"],
  "anthropic/404-model-not-found.json": ["model-not-found"],
  "anthropic/413-context-window.json": ["context-too-long"],
  // The bytes of the body, not a limit of the account.
  "anthropic/413-request-too-large.json": ["invalid-request"],
  // The same words as 429-rate-limit-tokens, but nothing of the limit that they name is used.
  "anthropic/429-input-tokens-never-fits.json": ["request-too-large"],
  "anthropic/429-long-context-extra-usage.json": ["request-too-large"],
  "anthropic/429-rate-limit-account.json": ["rate-limited", null],
  "anthropic/429-rate-limit-retry-after.json": ["rate-limited", 16_000],
  "anthropic/429-rate-limit-tokens.json": ["rate-limited", null],
  "anthropic/429-spend-limit-reached.json": ["quota-exhausted"],
  "anthropic/500-api-error.json": ["overloaded", null],
  "anthropic/520-html-unknown-error.json": ["overloaded", null],
  "anthropic/522-cloudflare-json.json": ["overloaded", null],
  "anthropic/529-overloaded-docs-link.json": ["overloaded", null],
  "anthropic/529-overloaded.json": ["overloaded", null],
  "gemini/200-max-tokens-cut-text.json": ["text"],
  "gemini/200-max-tokens-empty.json": ["truncated-empty"],
  "gemini/200-prompt-blocked.json": ["content-filtered"],
  "gemini/200-recitation.json": ["content-filtered"],
  "gemini/200-safety.json": ["content-filtered"],
  "gemini/200-text.json": ["text"],
  "gemini/200-thinking-level-low.json": ["text"],
  "gemini/200-usage-cached-and-thoughts.json": ["invalid-response"],
  "gemini/400-api-key-invalid.json": ["authentication"],
  "gemini/400-penalty-not-enabled.json": ["unsupported-parameter", "frequency_penalty"],
  "gemini/400-thinking-budget-invalid.json": ["unsupported-parameter", "thinkingConfig"],
  "gemini/400-thinking-budget-zero.json": ["unsupported-parameter", "thinkingConfig"],
  "gemini/400-thinking-level-and-budget.json": ["unsupported-parameter", "thinkingConfig"],
  "gemini/400-thinking-level-not-supported.json": ["unsupported-parameter", "thinkingConfig"],
  "gemini/400-token-count-number.json": ["context-too-long"],
  "gemini/400-token-count.json": ["context-too-long"],
  "gemini/400-unknown-name.json": ["unsupported-parameter", "temperature"],
  // As OpenAI's unsupported country: from here the key is of no use, whatever the job.
  "gemini/400-user-location.json": ["authentication"],
  "gemini/403-caller-no-permission.json": ["authentication"],
  "gemini/403-leaked-key.json": ["authentication"],
  "gemini/403-no-identity.json": ["authentication"],
  "gemini/404-model-not-for-new-users.json": ["model-not-found"],
  "gemini/404-model-not-found.json": ["model-not-found"],
  "gemini/429-free-tier-limit-zero.json": ["quota-exhausted"],
  "gemini/429-prepayment-credits-depleted.json": ["quota-exhausted"],
  // Until midnight in Los Angeles, not the 22 s of its RetryInfo: there it is 16:00 at the time 0 of these tests.
  "gemini/429-requests-per-day.json": ["rate-limited", 8 * 3_600_000],
  "gemini/429-resource-exhausted-bare.json": ["rate-limited", null],
  "gemini/429-tokens-per-minute.json": ["rate-limited", 26_000],
  "gemini/500-internal-retry-or-report.json": ["overloaded", null],
  "gemini/500-internal.json": ["overloaded", null],
  "gemini/503-deadline-expired.json": ["overloaded", null],
  "gemini/503-high-demand.json": ["overloaded", null],
  "gemini/503-overloaded.json": ["overloaded", null],
  "grok/200-cached-more-than-prompt.json": ["text"],
  "grok/200-error-body-unavailable.json": ["invalid-response"],
  "grok/200-grok-4.3-reasoning-cached.json": ["text"],
  "grok/200-no-reasoning-cached.json": ["text"],
  "grok/200-reasoning-outside-completion-2.json": ["text"],
  "grok/200-reasoning-outside-completion.json": ["text"],
  "grok/200-tool-call-empty-text.json": ["invalid-response"],
  "grok/400-argument-not-supported-presence-penalty.json": ["unsupported-parameter", "presence_penalty"],
  "grok/400-argument-not-supported-stop.json": ["unsupported-parameter", "stop"],
  "grok/400-does-not-support-parameter-reasoning-effort.json": ["unsupported-parameter", "reasoning_effort"],
  "grok/400-does-not-support-parameter-stop.json": ["unsupported-parameter", "stop"],
  "grok/400-incorrect-api-key-sentence-code.json": ["authentication"],
  "grok/400-incorrect-api-key.json": ["authentication"],
  "grok/400-max-prompt-length.json": ["context-too-long"],
  "grok/400-model-not-found.json": ["model-not-found"],
  "grok/400-other-invalid-argument.json": ["invalid-request"],
  "grok/400-reasoning-effort-value.json": ["unsupported-parameter", "reasoning_effort"],
  "grok/403-no-credits.json": ["quota-exhausted"],
  "grok/403-safety-check.json": ["content-filtered"],
  "grok/404-model-does-not-exist.json": ["model-not-found"],
  // A wrong base URL: this provider cannot answer, the next of the chain may.
  "grok/404-no-handler-on-route.json": ["model-not-found"],
  "grok/413-azure-text-body-too-long.json": ["invalid-request"],
  "grok/422-deserialize.json": ["invalid-request"],
  "grok/429-azure-rate-limit.json": ["rate-limited", 1000],
  "grok/429-credits-exhausted.json": ["quota-exhausted"],
  "grok/429-rate-limit-requests-per-second.json": ["rate-limited", null],
  // "(actual/limit): 65605/16000" is the minute's sum, not this request.
  "grok/429-rate-limit-tokens-per-minute.json": ["rate-limited", null],
  "grok/500-azure-no-answer-from-model.json": ["overloaded", null],
  "grok/503-grammar-too-complex.json": ["overloaded", null],
  "grok/503-model-did-not-respond.json": ["overloaded", null],
  "openai-compatible/200-html-page.json": ["invalid-response"],
  "openai-compatible/200-llama-box-reasoning.json": ["text"],
  "openai-compatible/200-ollama-length.json": ["text"],
  "openai-compatible/200-openrouter-cost.json": ["text"],
  "openai-compatible/200-vllm.json": ["text"],
  "openai-compatible/400-deepseek-context-length.json": ["context-too-long"],
  "openai-compatible/400-groq-stream-options.json": ["unsupported-parameter", "stream_options"],
  "openai-compatible/400-llama-cpp-context-size.json": ["context-too-long"],
  "openai-compatible/400-lm-studio-context-length.json": ["context-too-long"],
  "openai-compatible/400-lm-studio-no-models-loaded.json": ["model-not-found"],
  "openai-compatible/400-ollama-prompt-too-long.json": ["context-too-long"],
  "openai-compatible/400-openrouter-context-length.json": ["context-too-long"],
  "openai-compatible/400-vllm-context-length.json": ["context-too-long"],
  "openai-compatible/400-vllm-max-tokens.json": ["invalid-request"],
  "openai-compatible/401-openrouter-missing-header.json": ["authentication"],
  "openai-compatible/402-openrouter-credits.json": ["quota-exhausted"],
  "openai-compatible/402-openrouter-insufficient-credits.json": ["quota-exhausted"],
  "openai-compatible/403-openrouter-wrapped-provider-error.json": ["authentication"],
  "openai-compatible/404-azure-deployment-not-found.json": ["model-not-found"],
  "openai-compatible/404-ollama-model-not-found.json": ["model-not-found"],
  "openai-compatible/404-vllm-model-not-found.json": ["model-not-found"],
  "openai-compatible/408-azure-text-upstream-timeout.json": ["overloaded", null],
  "openai-compatible/422-mistral-stream-options.json": ["unsupported-parameter", "stream_options"],
  "openai-compatible/429-azure-openai-retry-after.json": ["rate-limited", 60_000],
  "openai-compatible/429-openrouter-requests-per-day.json": ["rate-limited", null],
  "openai-compatible/429-openrouter-upstream.json": ["rate-limited", null],
  "openai-compatible/503-llama-cpp-loading-model.json": ["overloaded", null],
  "openai-compatible/503-ollama-server-busy.json": ["overloaded", null],
  "openai-compatible/503-ollama-server-overloaded.json": ["overloaded", null],
  "openai/200-content-filter.json": ["content-filtered"],
  "openai/200-length-cut-text.json": ["text"],
  "openai/200-length-empty-text.json": ["truncated-empty"],
  "openai/200-reasoning-and-cache-write.json": ["text"],
  "openai/200-reasoning-and-cached-tokens.json": ["text"],
  "openai/200-reasoning-tokens.json": ["text"],
  "openai/200-refusal.json": ["content-filtered"],
  "openai/200-text.json": ["text"],
  "openai/400-billing-hard-limit-reached.json": ["quota-exhausted"],
  "openai/400-content-filter-azure.json": ["content-filtered"],
  "openai/400-context-length-exceeded-input.json": ["context-too-long"],
  "openai/400-context-length-exceeded-messages.json": ["context-too-long"],
  "openai/400-invalid-prompt-usage-policy.json": ["content-filtered"],
  "openai/400-invalid-type.json": ["invalid-request"],
  "openai/400-invalid-value-messages.json": ["invalid-request"],
  "openai/400-model-not-found.json": ["model-not-found"],
  "openai/400-option-not-supported-code-null.json": ["unsupported-parameter", "web_search_options"],
  // The parameter is known, its value is wrong: leaving it out would hide our mistake.
  "openai/400-temperature-below-minimum.json": ["invalid-request"],
  "openai/400-unknown-parameter.json": ["unsupported-parameter", "quality"],
  "openai/400-unsupported-parameter-max-tokens.json": ["unsupported-parameter", "max_tokens"],
  "openai/400-unsupported-parameter-temperature-code-null.json": ["unsupported-parameter", "temperature"],
  // Messages cannot be left out.
  "openai/400-unsupported-value-system-role.json": ["invalid-request"],
  "openai/400-unsupported-value-temperature.json": ["unsupported-parameter", "temperature"],
  "openai/401-invalid-api-key.json": ["authentication"],
  "openai/401-missing-api-key.json": ["authentication"],
  "openai/401-missing-bearer.json": ["authentication"],
  "openai/403-project-no-model-access.json": ["model-not-found"],
  "openai/403-unsupported-country.json": ["authentication"],
  "openai/404-html-wrong-base-url.json": ["model-not-found"],
  "openai/404-model-deprecated.json": ["model-not-found"],
  "openai/404-model-not-found.json": ["model-not-found"],
  "openai/413-html-payload-too-large.json": ["invalid-request"],
  "openai/429-billing-not-active.json": ["quota-exhausted"],
  "openai/429-insufficient-quota-code-null.json": ["quota-exhausted"],
  "openai/429-insufficient-quota.json": ["quota-exhausted"],
  "openai/429-rate-limit-requests-20s-old.json": ["rate-limited", 20_000],
  "openai/429-rate-limit-requests-20s.json": ["rate-limited", 20_000],
  "openai/429-rate-limit-tokens-114h.json": ["rate-limited", 86_400_000],
  "openai/429-rate-limit-tokens-6ms.json": ["rate-limited", 6],
  "openai/429-rate-limit-tokens-retry-after.json": ["rate-limited", 494],
  "openai/429-request-too-large-below-limit.json": ["rate-limited", null],
  "openai/429-request-too-large.json": ["request-too-large"],
  "openai/429-slow-down-string.json": ["rate-limited", null],
  "openai/500-server-error.json": ["overloaded", null],
  "openai/502-cloudflare-json.json": ["overloaded", null],
  "openai/502-html-bad-gateway.json": ["overloaded", null],
  "openai/503-cloudflare-json.json": ["overloaded", null],
  "openai/503-overloaded.json": ["overloaded", null],
  "openai/503-text-upstream-connect-error.json": ["overloaded", null],
  "openai/520-html-unknown-error.json": ["overloaded", null],
};

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
    const { outcome } = readBody(bodyTextOf(answer), readerFor(file));
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
    // What a stream means is not known before its last event, and a list of models is no answer: not this table's matter.
    const files = recordedAnswerFiles().filter((file) => !/\/200-(stream-|models\.)/.test(file));

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
