import { describe, expect, it } from "vitest";
import { readVendorError } from "../../../../src/providers/http/vendor-error.ts";

it.each([
  [
    "OpenAI",
    { error: { message: "m", type: "t", param: "p", code: "c" } },
    { message: "m", code: "c", codes: "c t", parameter: "p" },
  ],
  [
    "Anthropic",
    { type: "error", error: { type: "rate_limit_error", message: "m", details: { error_code: "E" } }, request_id: "r" },
    { message: "m", code: "E", codes: "e rate_limit_error", parameter: null },
  ],
  ["xAI", { code: "C", error: "m" }, { message: "m", code: "C", codes: "c", parameter: null }],
  [
    "vLLM",
    { object: "error", message: "m", type: "BadRequestError", param: null, code: 400 },
    { message: "m", code: "400", codes: "400 badrequesterror", parameter: null },
  ],
  ["Google", [{ error: { message: "m", code: 429 } }], { message: "m", code: "429" }],
  ["FastAPI", { detail: [{ msg: "field required" }] }, { message: '[{"msg":"field required"}]', code: null }],
  ["a bare string", { error: "slow down" }, { message: "slow down", code: null }],
  ["text", "upstream\n connect\u0000 error\n", { message: "upstream connect error", code: null }],
  ["HTML", "\n<html><body>secret</body></html>", { message: "an HTML page in place of JSON" }],
  ["an empty body", "", { message: "no body" }],
  ["null", null, { message: "no body" }],
])("reads %s", (_, body, expected) => {
  expect(readVendorError(body)).toMatchObject(expected);
});

it("reads no more than the beginning of a message", () => {
  expect(readVendorError({ error: { message: "x".repeat(5_000_000) } }).message).toHaveLength(2000);
});

describe("retryDelay", () => {
  const type = "type.googleapis.com/google.rpc.RetryInfo";
  const help = { "@type": "type.googleapis.com/google.rpc.Help", links: [] };

  it.each([
    ["of RetryInfo", [help, { "@type": type, retryDelay: "34.074824224s" }], "34.074824224s"],
    ["missing", [{ "@type": type }], null],
    ["of something else", [{ ...help, retryDelay: "5s" }], null],
    ["among nonsense", [null, "text", 7, { "@type": 7 }, { "@type": type, retryDelay: "5s" }], "5s"],
    ["in a text", "retryDelay: 5s", null],
  ])("%s", (_, details, expected) => {
    const body = { error: { code: 429, message: "m", status: "RESOURCE_EXHAUSTED", details } };
    expect(readVendorError(body).retryDelay).toBe(expected);
    expect(readVendorError([body]).retryDelay).toBe(expected);
  });
});

describe("quotas", () => {
  const type = "type.googleapis.com/google.rpc.QuotaFailure";

  it.each([
    ["of QuotaFailure", [{ "@type": type, violations: [{ quotaId: "A" }, { quotaId: "B" }] }], ["A", "B"]],
    ["missing", [{ "@type": type }], []],
    ["of something else", [{ "@type": "other", violations: [{ quotaId: "A" }] }], []],
    ["among nonsense", [null, 7, { "@type": type, violations: [null, "B", { quotaId: 7 }, { quotaId: "A" }] }], ["A"]],
    ["in a text", "quotaId: A", []],
  ])("%s", (_, details, expected) => {
    expect(readVendorError({ error: { message: "m", details } }).quotas).toEqual(expected);
  });
});
