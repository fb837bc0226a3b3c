import { outputLine } from "../bulk/output-line.ts";
import type { GenerationResult } from "../job/generation-result.ts";
import type { Producer } from "../queue/producer.ts";
import { writeText } from "./output-stream.ts";
import { printResult } from "./print-result.ts";
import { textPrinter } from "./text-printer.ts";

export interface AwaitOptions {
  /** Print the text while it is written; with `json` an object a line, every text and then the result. */
  readonly follow: boolean;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** Waits for a result and prints it. @returns `null` when the signal aborted */
export async function awaitResult(
  producer: Producer,
  id: string,
  { follow, json, signal }: AwaitOptions,
): Promise<GenerationResult | null> {
  if (follow) return json ? await followAsJson(producer, id, signal) : await followAsText(producer, id, signal);
  const result = await producer.result(id, { waitMs: Infinity, signal });
  if (result !== null) printResult(result, json);
  return result;
}

async function followAsJson(producer: Producer, id: string, signal: AbortSignal): Promise<GenerationResult | null> {
  for await (const event of producer.follow(id, { signal })) {
    if (event.type === "text") {
      writeText(process.stdout, `${JSON.stringify(event)}\n`);
      continue;
    }
    writeText(process.stdout, `${JSON.stringify({ type: event.type, result: outputLine(event.result) })}\n`);
    return event.result;
  }
  return null;
}

async function followAsText(producer: Producer, id: string, signal: AbortSignal): Promise<GenerationResult | null> {
  const printer = textPrinter(process.stdout);
  for await (const event of producer.follow(id, { signal })) {
    if (event.type === "text") {
      printer.text(event);
      continue;
    }
    printer.end(event.result);
    if (event.result.status !== "succeeded") printResult(event.result, false);
    return event.result;
  }
  printer.end(null);
  return null;
}
