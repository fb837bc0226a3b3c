import { outputLine } from "../bulk/output-line.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import { writeText, type OutputStream } from "./output-stream.ts";

interface OutputStreams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** The text alone on standard output, so that it can be piped. */
export function printResult(
  result: GenerationResult,
  json: boolean,
  { stdout, stderr }: OutputStreams = process,
): void {
  if (json) writeText(stdout, `${JSON.stringify(outputLine(result))}\n`);
  else if (result.status === "succeeded" && result.purgedAt !== undefined)
    writeText(stderr, "succeeded: its texts were purged\n");
  else if (result.status === "succeeded") writeText(stdout, `${result.text}\n`);
  else {
    writeText(stderr, `${result.status}: ${result.reason}\n`);
    if (result.text !== undefined) writeText(stderr, `the text that was set aside:\n${result.text}\n`);
  }
}
