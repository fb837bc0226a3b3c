import { setTimeout as sleep } from "node:timers/promises";

export interface Telling {
  readonly text: string;
  /** How long the whole takes: the words come at even distances, the last one at its end. */
  readonly latencyMs: number;
  /** Told the text so far, word by word; `undefined`: nobody is, and only time passes. */
  readonly onText: ((textSoFar: string) => void) | undefined;
}

/** @returns `timeout`: the deadline came first; `aborted`: the signal. The signal and the deadline hold as they do for a real vendor. */
export async function tellText(
  { text, latencyMs, onText }: Telling,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<"told" | "timeout" | "aborted"> {
  const startedMs = performance.now();
  const until = async (ms: number): Promise<void> => {
    const leftMs = startedMs + ms - performance.now();
    // Timers are no finer than 1 ms.
    if (leftMs >= 1) await sleep(leftMs, undefined, { signal });
  };
  try {
    for (const { soFar, atMs } of onText === undefined ? [] : schedule(text, latencyMs)) {
      // From the schedule, not from the clock: a slow machine tells the same words before the deadline.
      if (atMs > timeoutMs) break;
      await until(atMs);
      onText?.(soFar);
    }
    await until(Math.min(latencyMs, timeoutMs));
  } catch {
    return "aborted";
  }
  return latencyMs > timeoutMs ? "timeout" : "told";
}

function schedule(text: string, latencyMs: number): { soFar: string; atMs: number }[] {
  const words = text.match(/\s*\S+\s*/g) ?? [];
  let length = 0;
  return words.map((word, index) => {
    length += word.length;
    return { soFar: text.slice(0, length), atMs: (latencyMs * (index + 1)) / words.length };
  });
}
