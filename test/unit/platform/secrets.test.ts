import { describe, expect, it } from "vitest";
import { holdsSecret, keepSecret, scrub, scrubError, withoutKnownSecrets } from "../../../src/platform/secrets.ts";

/** Looks like nothing in particular. */
const SHAPELESS = 'canary/7f3k+"quoted" & ümlaut';
keepSecret(SHAPELESS, "canary-7f3k-longer", "canary-7f3k", "short", "");

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("a known secret is taken out", () => {
  it.each([
    ["as it is", SHAPELESS],
    ["within JSON", JSON.stringify(SHAPELESS)],
    ["within a URL", encodeURIComponent(SHAPELESS)],
    ["as base64", base64(SHAPELESS)],
    ["as base64 behind one character", base64(`u${SHAPELESS}`)],
    ["as base64 behind a user", base64(`:${SHAPELESS}:more`)],
    ["as base64 behind two characters", base64(`us${SHAPELESS}`)],
    ["as base64 of a URL", Buffer.from(SHAPELESS).toString("base64url")],
  ])("%s", (_, written) => {
    const scrubbed = withoutKnownSecrets(`before ${written} after`);
    expect(scrubbed).toMatch(/^before \S*\[key\]\S* after$/);
    // What may be left of base64 are its first and last characters, which are shared with what stands beside it.
    expect(scrubbed.length).toBeLessThan("before [key] after".length + 12);
  });

  it("the longer of two first, and every time", () => {
    expect(scrub("canary-7f3k-longer, canary-7f3k and canary-7f3k")).toBe("[key], [key] and [key]");
  });

  it("but not words: what is shorter than 8 characters stays", () => {
    expect(scrub("short and sweet")).toBe("short and sweet");
  });

  it("from errors, their stacks and their causes", () => {
    const cause = new Error("ERR unknown command 'AUTH', with args beginning with: 'canary-7f3k'");
    const error = scrubError(new Error("with canary-7f3k", { cause }));
    expect(`${error.message}${error.stack}${cause.message}${cause.stack}`).not.toContain("canary-7f3k");
    expect(error.stack).toContain("secrets.test.ts");
    expect(scrubError("no error")).toBe("no error");
  });
});

describe("what looks like a secret is taken out", () => {
  it.each([
    "sk-proj-abcDEF_1234567890",
    "sk-ant-api03-abcDEF_1234567890",
    "sk-or-v1-0123456789abcdef0123",
    "xai-0123456789abcdefghij",
    "gsk_0123456789abcdefghijABCDEF",
    "AIzaSy0123456789abcdefghijABCDEFGHIJKLMNO",
    "hf_0123456789abcdefghij",
    "csk-0123456789abcdefghij",
    "sk-ab***********xyz9",
    "Bearer abc.def-ghi",
    "Basic dXNlcjpwYXNzd29yZA==",
  ])("%s", (secret) => {
    expect(scrub(`You sent ${secret}, which is wrong`)).toBe("You sent [key], which is wrong");
  });

  it("from addresses", () => {
    expect(scrub("at rediss://user:p%40ss@redis.example:6380/2")).toBe("at rediss://***@redis.example:6380/2");
  });

  it.each([
    "the task-force-of-2026-in-sk-and-xai",
    "sk-row-1 of lane openai~gpt-6-luna#1a2b3c4d",
    "Basic functionality works, and so does the bearer of news",
    "sk-machine-learning-course-for-all",
    "https://example.com/a@b",
  ])("and nothing else: %s", (text) => {
    expect(scrub(text)).toBe(text);
    expect(holdsSecret(text)).toBe(false);
  });

  // Were it quadratic anywhere, it would take longer than a test may.
  it("also in a text of 1.8 MB that is made to take time", () => {
    const text = "sk-.Basic a://xai-".repeat(100_000);
    expect(scrub(text)).toBe(text);
  });
});
