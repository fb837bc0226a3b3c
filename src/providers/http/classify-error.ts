import type { ProviderErrorKind } from "../provider-error.ts";
import type { ChatMessage } from "../provider.ts";
import { googleParameter, isGoogleKeyRefused, isGooglePromptTooLong, isGoogleQuotaGone } from "./google-error.ts";
import { withoutPrompt } from "./redact.ts";
import { retryAfterMs } from "./retry-after.ts";
import { readVendorError, type VendorError } from "./vendor-error.ts";

export interface FailedAnswer {
  /** `null`: the error came in a stream, after a 200. */
  readonly status: number | null;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, or the text when it is none. */
  readonly body: unknown;
  /** Epoch ms. */
  readonly now: number;
  /** What was sent: what the vendor quotes of it says nothing of its own. Default: nothing. */
  readonly quoted?: readonly ChatMessage[];
}

export interface Classification {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly code: string | null;
  /** For `rate-limited` and `overloaded`; otherwise waiting does not help and it is `null`. */
  readonly retryAfterMs: number | null;
  /** For `unsupported-parameter`: its wire name. */
  readonly parameter: string | null;
}

/** What an answer other than 2xx means. The wordings are the vendors' own: see test/fixtures/README.md. */
export function classifyError({ status, headers, body, now, quoted = [] }: FailedAnswer): Classification {
  const told = readVendorError(body);
  const error = { ...told, message: withoutPrompt(told.message, quoted) };
  const kind = kindOf({ error, headers, status: status ?? statusTold(error) });
  const isTemporary = kind === "rate-limited" || kind === "overloaded";
  return {
    kind,
    // What a redirect says is where to; following it would take the key along.
    message: status !== null && status < 400 ? "a redirect, which is not followed" : error.message,
    code: error.code,
    retryAfterMs: isTemporary ? retryAfterMs({ headers, ...error, now }) : null,
    parameter: kind === "unsupported-parameter" ? unsupportedParameter(error) : null,
  };
}

interface Told extends Pick<FailedAnswer, "status" | "headers"> {
  readonly error: VendorError;
}

/** Without a status the request was taken: what nobody knows is then a broken answer, not our fault. */
function kindOf({ error, status, headers }: Told): ProviderErrorKind {
  const known = RULES.find((rule) => rule.applies(error, status ?? UNTOLD_STATUS, headers))?.kind;
  return known ?? (status === null ? "invalid-response" : "invalid-request");
}

/** No rule knows it. */
const UNTOLD_STATUS = 499;

/** Errors in a stream carry the status as a number (Google, OpenRouter), or a type that stands for one. */
function statusTold({ code, codes }: VendorError): number | null {
  const number = Number(code);
  if (Number.isInteger(number) && number >= 400 && number <= 599) return number;
  return TYPE_STATUS.find(([type]) => type.test(codes))?.[1] ?? null;
}

/** https://docs.claude.com/en/api/errors, and OpenAI's types of the same meaning. */
const TYPE_STATUS: readonly (readonly [RegExp, number])[] = [
  [/overloaded_error/, 529],
  [/api_error|server_error|timeout_error/, 500],
  [/rate_limit/, 429],
  [/billing_error/, 402],
  [/authentication_error/, 401],
  [/permission_error/, 403],
  [/not_found_error/, 404],
  [/invalid_request_error/, 400],
];

interface Rule {
  readonly kind: ProviderErrorKind;
  readonly applies: (error: VendorError, status: number, headers: FailedAnswer["headers"]) => boolean;
}

/** The first that applies wins, so what is said comes before the bare status. The last resort is `invalid-request`. */
const RULES: readonly Rule[] = [
  { kind: "invalid-response", applies: (_, status) => status < 400 },
  { kind: "rate-limited", applies: ({ codes, message }) => /slow[_ ]down/i.test(codes) || /^slow down/i.test(message) },
  { kind: "overloaded", applies: (_, status) => status >= 500 || status === 408 || status === 409 },
  // A file that was uploaded just before: github.com/bespokelabsai/curator/issues/116
  { kind: "overloaded", applies: ({ message }, status) => status === 400 && /^cannot find file /i.test(message) },
  { kind: "request-too-large", applies: isLargerThanWholeLimit },
  { kind: "request-too-large", applies: exceedsUntouchedLimit },
  { kind: "quota-exhausted", applies: isQuotaExhausted },
  { kind: "quota-exhausted", applies: isGoogleQuotaGone },
  { kind: "rate-limited", applies: (_, status) => status === 429 },
  { kind: "authentication", applies: isKeyRefused },
  { kind: "content-filtered", applies: ({ codes, message }) => FILTER_CODE.test(codes) || FILTERED.test(message) },
  { kind: "authentication", applies: isGoogleKeyRefused },
  { kind: "context-too-long", applies: isGooglePromptTooLong },
  { kind: "context-too-long", applies: ({ codes, message }) => CONTEXT.test(codes) || CONTEXT.test(message) },
  { kind: "model-not-found", applies: isModelNotFound },
  { kind: "unsupported-parameter", applies: refusesParameter },
  { kind: "authentication", applies: (_, status) => status === 403 },
];

/**
 * "Limit 200000, Requested 2500013": even an untouched limit is too small for it. "Request too large" alone proves
 * nothing, OpenAI also says it with Requested 546 of 250000.
 */
function isLargerThanWholeLimit({ message }: VendorError, status: number): boolean {
  if (status !== 429 && status !== 413) return false;
  const limit = /\blimit:? (\d[\d,]*)/i.exec(message)?.[1];
  const requested = /\brequested:? (\d[\d,]*)/i.exec(message)?.[1];
  return limit !== undefined && requested !== undefined && integer(requested) > integer(limit);
}

/**
 * Anthropic does not say what was requested, but its headers tell what remains of the limit that the message names: all
 * of it. https://docs.claude.com/en/api/rate-limits
 */
function exceedsUntouchedLimit({ message }: VendorError, status: number, headers: FailedAnswer["headers"]): boolean {
  if (status !== 429) return false;
  if (/extra usage is required for long context/i.test(message)) return true;
  const [, limit, counts] = /exceed .{0,60}\brate limit of (\d[\d,]*) ((?:in|out)put tokens) per/i.exec(message) ?? [];
  const remaining = headers[`anthropic-ratelimit-${counts?.toLowerCase().replace(" ", "-")}-remaining`];
  return limit !== undefined && remaining !== undefined && integer(remaining) >= integer(limit);
}

function integer(digits: string): number {
  return Number(digits.replaceAll(",", ""));
}

const QUOTA_CODE =
  /insufficient_(quota|credits|balance|funds)|billing_(hard_limit|not_active)|spend(ing)?[_-]limit|organization_usage_limit/;
/** Not just "billing" or "quota": OpenAI advertises both in plain rate limits. */
const QUOTA_MESSAGE =
  /exceeded your current quota|all available credits|credit balance is too low|reached your (specified )?api usage limits|spending limit|n[o']t have any credits|(run|ran) out of credits|insufficient (credits|balance|funds|quota)|requires more credits|billing hard limit|account is not active/i;

/** Gemini also says "You exceeded your current quota" of a limit, and then which one it is and when to try again. */
function isQuotaExhausted({ codes, message, retryDelay, quotas }: VendorError, status: number): boolean {
  if (status === 429 && (retryDelay !== null || quotas.length > 0)) return false;
  return status === 402 || QUOTA_CODE.test(codes) || QUOTA_MESSAGE.test(message);
}

/** xAI answers 400 to a wrong key, Anthropic to every key of an organization that it has disabled. */
function isKeyRefused({ codes, message }: VendorError, status: number): boolean {
  return status === 401 || /organization_on_hold/.test(codes) || WRONG_KEY.test(message);
}

const WRONG_KEY = /\b(incorrect|invalid) api key\b|\borganization has been disabled/i;

const FILTER_CODE = /\bcontent_filter|\bcontent_policy_violation|responsibleaipolicy/;
const FILTERED =
  /violates usage guidelines|safety_check|content (management|filtering) policy|flagged as potentially violating|violat\w+ (our|openai's) (content|usage) polic/i;

const CONTEXT = /context[_ ](length|window|size)|exceed context limit|maximum prompt length|prompt (is )?too long/i;

const UNKNOWN_MODEL =
  /\bmodel\b.{0,100}\b(not found|(does not|doesn't) exist|has been (deprecated|retired|removed|decommissioned|shut down)|no longer (available|supported))|^no models? (is )?loaded/i;

/** Every 404 too, a wrong base URL included: this provider cannot serve the model, another one may. */
function isModelNotFound({ codes, message }: VendorError, status: number): boolean {
  return status === 404 || status === 410 || /model_not_found/.test(codes) || UNKNOWN_MODEL.test(message);
}

const NAMED_PARAMETER = [
  /unsupported (?:parameter|value):? ['"`]([\w.[\]]+)['"`]/i,
  /unknown parameter:? ['"`]([\w.[\]]+)['"`]/i,
  /unknown name ['"`](?!contents|systemInstruction|maxOutputTokens)(\w+)['"`]/i,
  /unrecognized request arguments? supplied: ([\w.[\]]+)/i,
  /argument not supported on this model: ([\w.[\]]+)/i,
  /does not support parameter ['"`]?(\w+)/i,
  /does not support ['"`](\w+)['"`] value/i,
  // Anthropic.
  /does not support the (\w+) parameter/i,
  /^([\w.[\]]+): extra inputs are not permitted/i,
  /['"`]\w+['"`] and ['"`](\w+)['"`] cannot both be specified/i,
  /['"`](\w+)['"`] is deprecated for this model/i,
  /['"`](\w+)\.type\.\w+['"`] is not supported for this model/i,
  // Groq.
  /property ['"`]([\w.]+)['"`] is (?:unsupported|not supported)/i,
  // FastAPI, and so vLLM, Mistral and others.
  /"type":"extra_forbidden","loc":\["body","(\w+)"/,
];
const REFUSES_PARAMETER = /\b(unsupported|unknown)_(parameter|value)\b/;

function refusesParameter(error: VendorError, status: number): boolean {
  return (status === 400 || status === 422) && unsupportedParameter(error) !== null;
}

/** The wire name of the parameter that is refused; `null` also for what cannot be left out. */
function unsupportedParameter({ codes, message, parameter }: VendorError): string | null {
  const googles = googleParameter({ codes, message });
  if (googles !== null) return googles;
  const named = NAMED_PARAMETER.map((pattern) => pattern.exec(message)?.[1]).find((name) => name !== undefined);
  const isRefused =
    named !== undefined || REFUSES_PARAMETER.test(codes) || /not supported with this model/i.test(message);
  const name = isRefused ? (parameter ?? named) : undefined;
  if (name === undefined || /^(messages|model|input)\b/.test(name)) return null;
  return WIRE_NAME.get(name) ?? snakeCase(name);
}

/** OpenAI names the field of another of its APIs, Anthropic the last part of it alone. */
const WIRE_NAME: ReadonlyMap<string, string> = new Map([
  ["reasoning.effort", "reasoning_effort"],
  ["effort", "output_config.effort"],
]);

/** xAI names `presencePenalty` what it takes as `presence_penalty`. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
