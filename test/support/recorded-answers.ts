import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One file of test/fixtures: what a vendor really answered. See the README there. */
export interface RecordedAnswer {
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    /** JSON; `bodyText` is set instead when the body was something else. */
    readonly body?: unknown;
    readonly bodyText?: string;
  };
}

const FIXTURES = join(import.meta.dirname, "../fixtures");

/** `openai/200-text.json` */
export function recordedAnswer(file: string): RecordedAnswer {
  return JSON.parse(readFileSync(join(FIXTURES, file), "utf8")) as RecordedAnswer;
}

/** Every recorded answer there is, as `folder/file.json`. */
export function recordedAnswerFiles(): string[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
}

export function bodyTextOf({ response }: RecordedAnswer): string {
  return response.bodyText ?? JSON.stringify(response.body);
}

export interface CompletionParts {
  /** Default "Hello from the test server." */
  readonly text?: string | null;
  readonly model?: string;
  readonly finishReason?: string | null;
  /** `null` leaves the usage out. */
  readonly usage?: Readonly<Record<string, unknown>> | null;
}

/** A plain completion in the wire format, for tests that are not about what vendors answer. */
export function completionAnswer(parts: CompletionParts = {}): RecordedAnswer {
  const { text = "Hello from the test server.", model = "gpt-6-luna", finishReason = "stop" } = parts;
  const usage = parts.usage === undefined ? { prompt_tokens: 40, completion_tokens: 8, total_tokens: 48 } : parts.usage;
  const message = { role: "assistant", content: text, refusal: null };
  const body = {
    id: "chatcmpl-test",
    object: "chat.completion",
    created: 1_790_000_000,
    model,
    choices: [{ index: 0, message, finish_reason: finishReason }],
    ...(usage !== null && { usage }),
  };
  return { response: { status: 200, headers: { "content-type": "application/json" }, body } };
}
