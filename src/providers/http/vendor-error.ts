import { isRecord } from "../../platform/field-fault.ts";
import { oneLine } from "./redact.ts";

/** What a vendor says about a failed call, whatever shape it says it in. */
export interface VendorError {
  readonly message: string;
  /** The most exact of `details.error_code`, `code` and `type`; numbers as text; `null`: none. */
  readonly code: string | null;
  /** All of them together, lower case, for recognising the meaning. */
  readonly codes: string;
  readonly parameter: string | null;
  /** `retryDelay` of Google's `RetryInfo`, e.g. `34.074824224s`; `null`: none. */
  readonly retryDelay: string | null;
  /** `quotaId` of each limit that Google's `QuotaFailure` names, e.g. `GenerateRequestsPerDayPerProjectPerModel-FreeTier`. */
  readonly quotas: readonly string[];
}

/** Vendors quote whole prompts; what they have to say stands at the beginning. */
const MAX_READ_CHARACTERS = 2000;

const RETRY_INFO = /google\.rpc\.RetryInfo$/;
const QUOTA_FAILURE = /google\.rpc\.QuotaFailure$/;

/**
 * Reads `{error: {message, type, param, code}}` (OpenAI), `{error: {message, type, details: {error_code}}}` (Anthropic),
 * `{code, error: "…"}` (xAI), `{message, …}` (vLLM), `{detail: …}` (FastAPI), a list of one of these (Google), or a text
 * or HTML body.
 */
export function readVendorError(body: unknown): VendorError {
  const outer: unknown = Array.isArray(body) ? body[0] : body;
  if (!isRecord(outer)) {
    return { message: describeText(outer), code: null, codes: "", parameter: null, retryDelay: null, quotas: [] };
  }
  const inner = [outer["error"], errorOfChoice(outer["choices"])].find(isRecord) ?? outer;
  const { details } = inner;
  const codes = [isRecord(details) ? details["error_code"] : null, inner["code"], inner["type"]]
    .map(text)
    .filter((code) => code !== null);
  return {
    message: clean(text(inner["message"]) ?? text(inner["error"]) ?? text(inner["detail"]) ?? ""),
    code: codes[0] ?? null,
    codes: codes.join(" ").toLowerCase(),
    parameter: text(inner["param"]),
    retryDelay: text(detailOf(details, RETRY_INFO)?.["retryDelay"]),
    quotas: quotaIds(detailOf(details, QUOTA_FAILURE)?.["violations"]),
  };
}

/** OpenRouter puts the error of one choice into it. */
function errorOfChoice(choices: unknown): unknown {
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  return isRecord(first) ? first["error"] : undefined;
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto; elsewhere `details` is a text. */
function detailOf(details: unknown, type: RegExp): Record<string, unknown> | undefined {
  if (!Array.isArray(details)) return undefined;
  return details.filter(isRecord).find((detail) => type.test(text(detail["@type"]) ?? ""));
}

function quotaIds(violations: unknown): string[] {
  if (!Array.isArray(violations)) return [];
  return violations.filter(isRecord).flatMap(({ quotaId }) => (typeof quotaId === "string" ? [quotaId] : []));
}

/** Pages are named, not quoted. */
function describeText(body: unknown): string {
  if (typeof body !== "string" || body.trim() === "") return "no body";
  return /^\s*</.test(body) ? "an HTML page in place of JSON" : clean(body);
}

function clean(message: string): string {
  return oneLine(message.slice(0, MAX_READ_CHARACTERS));
}

function text(value: unknown): string | null {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value === "" ? null : value;
  return value === null || value === undefined || typeof value === "boolean" ? null : JSON.stringify(value);
}
