import { outputLine } from "../bulk/output-line.ts";
import type { GenerationResult } from "../job/generation-result.ts";

/** The text alone on standard output, so that it can be piped. */
export function printResult(result: GenerationResult, json: boolean): void {
  const line = outputLine(result);
  if (json) console.log(JSON.stringify(line));
  else if (result.status === "succeeded") console.log(result.text);
  else console.error(`${result.status}: ${result.reason}`);
}
