import { describe, expect, it } from "vitest";
import { printResult } from "../../../src/cli/print-result.ts";
import { textPrinter } from "../../../src/cli/text-printer.ts";
import type { AttemptSummary, GenerationResult } from "../../../src/job/generation-result.ts";
import type { PartialText } from "../../../src/job/partial-text.ts";
import { succeededRecord } from "../../support/attempts.ts";

const FIRST = { attempt: 1, provider: "openai", model: "gpt-6-luna" };
const SECOND = { attempt: 2, provider: "grok", model: "grok-4.3" };

function partial(text: string, author = FIRST): PartialText {
  return { ...author, text };
}

function succeeded(text: string, author = FIRST): GenerationResult {
  const record = succeededRecord("a");
  if (record.status !== "succeeded") expect.fail("it is not succeeded");
  const attempt: Omit<AttemptSummary, keyof typeof author> = {
    ...{ request: "generate", outcome: "succeeded", durationMs: 1, inputTokens: 1, outputTokens: 1 },
    ...{ costMicroUsd: 1, possiblyBilled: false, message: null },
  };
  return { ...record, ...author, text, attempts: [{ ...attempt, ...author }] };
}

/** Everything that was written, a string each time. */
function print(texts: readonly PartialText[], result: GenerationResult | null): string[] {
  const written: string[] = [];
  const printer = textPrinter({ write: (output) => written.push(output) });
  texts.forEach((text) => printer.text(text));
  printer.end(result);
  return written.filter((output) => output !== "");
}

const FAILED: GenerationResult = {
  ...{ status: "failed", id: "a", agentId: "ada", kind: "tweet", attempts: [], costMicroUsd: 0, finishedAt: 0 },
  reason: "openai: overloaded",
};

/** A clear screen, a C1 control sequence, DEL, an override of the direction, and what is harmless. */
const HOSTILE = "a\u001b[2J\u009b2J\u007f\r\u202eb\n\tü😀";
const SHOWN = "a\\u001b[2J\\u009b2J\\u007f\\u000d\\u202eb\n\tü😀";

function stream(isTTY: boolean): { isTTY: boolean; written: () => string; write(output: string): void } {
  let all = "";
  return { isTTY, written: () => all, write: (output) => void (all += output) };
}

describe("what a model wrote", () => {
  it.each([
    ["shown to a terminal without its control characters", true, SHOWN],
    ["handed to a file or a pipe as it is", false, HOSTILE],
  ])("is %s", (_, isTTY, expected) => {
    const growing = stream(isTTY);
    const printer = textPrinter(growing);
    printer.text(partial(HOSTILE.slice(0, 4)));
    printer.end(succeeded(HOSTILE));
    expect(growing.written()).toBe(`${expected}\n`);
    const [stdout, stderr] = [stream(isTTY), stream(isTTY)];
    printResult(succeeded(HOSTILE), false, { stdout, stderr });
    printResult({ ...FAILED, reason: HOSTILE }, false, { stdout, stderr });
    expect(stdout.written()).toBe(`${expected}\n`);
    expect(stderr.written()).toBe(`failed: ${expected}\n`);
  });

  it("is the same JSON on a terminal", () => {
    const stdout = stream(true);
    printResult(succeeded(HOSTILE), true, { stdout, stderr: stream(true) });
    expect(stdout.written()).not.toMatch(/[\p{Bidi_Control}]|(?!\n)\p{Cc}/u);
    expect(JSON.parse(stdout.written())).toMatchObject({ text: HOSTILE });
  });
});

describe("a text that grows", () => {
  it("is printed once: each time what is new, and the rest with the result", () => {
    expect(
      print([partial("Fog"), partial("Fog,\nonce"), partial("Fog,\nonce")], succeeded("Fog,\nonce again.")),
    ).toEqual(["Fog", ",\nonce", " again.", "\n"]);
    expect(print([partial("Fog.")], succeeded("Fog."))).toEqual(["Fog.", "\n"]);
  });

  it("is printed whole with the result if nothing came before", () => {
    expect(print([], succeeded("Fog."))).toEqual(["Fog.", "\n"]);
  });

  it("says when another attempt begins anew, in whatever event that shows", () => {
    const anew = ["\n", "— started anew by attempt 2 (grok/grok-4.3)\n"];
    expect(print([partial("Fog is"), partial("Gulls", SECOND)], succeeded("Gulls.", SECOND))).toEqual([
      ...["Fog is", ...anew, "Gulls", ".", "\n"],
    ]);
    expect(print([partial("Fog is")], succeeded("Gulls.", SECOND))).toEqual(["Fog is", ...anew, "Gulls.", "\n"]);
  });

  it("has a line of its own where the job fails, or nobody waits any more", () => {
    expect(print([partial("Fog")], FAILED)).toEqual(["Fog", "\n"]);
    expect(print([partial("Fog\n")], null)).toEqual(["Fog\n"]);
    expect(print([], FAILED)).toEqual([]);
  });

  it("waits for the other half of a character", () => {
    const wave = "🌊";
    expect(print([partial(`a${wave.slice(0, 1)}`), partial(`a${wave}`)], null)).toEqual(["a", wave, "\n"]);
  });
});
