import { describe, expect, it } from "vitest";
import { keepSecret } from "../../../../src/platform/secrets.ts";
import { redact } from "../../../../src/providers/http/redact.ts";

const KEY = "canary-4711-not-like-a-key";
const PROMPT = "Write a tweet about the quarterly figures of Example Corp.";
const MESSAGES = [
  { role: "system", content: "Short." },
  { role: "user", content: PROMPT },
] as const;

keepSecret(KEY, "none", "");

describe("redact", () => {
  it("removes our key, whatever it looks like", () => {
    expect(redact(`Incorrect API key provided: ${KEY}.`, [])).toBe("Incorrect API key provided: [key].");
  });

  it.each(["sk-proj-abcDEF_123456", "sk-ab***********xyz9", "xai-0123456789abcdef", "Bearer abc.defg"])(
    "removes what looks like a key: %s",
    (key) => {
      expect(redact(`You sent ${key} here`, [])).toBe("You sent [key] here");
    },
  );

  it("cuts a message where it begins to quote the prompt", () => {
    expect(redact(`Invalid prompt: ${PROMPT} is not allowed`, MESSAGES)).toBe("Invalid prompt: [prompt]");
  });

  it.each([
    ["in one line", "You are Bob. Your secret handle"],
    ["as JSON", '[{"input":"You are Bob.\\nYour secret handle is @bob"}]'],
    ["as JSON of JSON", JSON.stringify('{"input":"You are Bob.\\nYour secret handle is @bob"}')],
  ])("finds a prompt of several lines that is quoted %s", (_, quoted) => {
    const messages = [{ role: "system", content: "You are Bob.\nYour secret handle is @bob, says nobody." }] as const;
    const told = redact(`Bad request: ${quoted}`, messages);
    expect(told).toMatch(/\[prompt\]$/);
    expect(told).not.toContain("secret");
  });

  it("leaves messages that quote nothing as they are", () => {
    const message = "Rate limit reached for gpt-6-luna on tokens per min. Short.";
    expect(redact(message, MESSAGES)).toBe(message);
  });

  it("does not take a placeholder for a key", () => {
    expect(redact("none of the models is loaded", [])).toBe("none of the models is loaded");
  });
});
