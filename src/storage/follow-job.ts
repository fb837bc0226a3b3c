import type { GenerationResult } from "../job/generation-result.ts";
import type { FollowEvent, PartialText } from "../job/partial-text.ts";
import type { ResultReader } from "./result-reader.ts";

/**
 * The texts of a job as they grow, the newest only for who takes them slowly, and then its result. Ends without one when
 * the signal fires, or when the reader is closed.
 */
export async function* followJob(
  reader: Pick<ResultReader, "wait" | "hearTexts">,
  jobId: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FollowEvent, void> {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  if (signal?.aborted === true) return;
  signal?.addEventListener("abort", onAbort, { once: true });
  const news = createNews();
  let leave: (() => void) | undefined;
  try {
    leave = await reader.hearTexts(jobId, (text) => news.onText(text), stop.signal);
    reader.wait(jobId, stop.signal).then(news.onResult, news.onError);
    for (;;) {
      const { text, result, isOver } = await news.next();
      // Who has asked for the end gets nothing more.
      if (stop.signal.aborted) return;
      if (text !== null) yield { type: "text", ...text };
      if (result !== null) {
        yield { type: "result", result };
        return;
      }
      if (isOver) return;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stop.abort();
    leave?.();
  }
}

interface News {
  onText(text: PartialText): void;
  /** `null`: the wait was aborted, or the reader closed. */
  onResult(result: GenerationResult | null): void;
  onError(error: unknown): void;
  /** Resolves as soon as there is something new. Throws what `onError` was told. */
  next(): Promise<Told>;
}

interface Told {
  readonly text: PartialText | null;
  readonly result: GenerationResult | null;
  /** Nothing comes any more. */
  readonly isOver: boolean;
}

function createNews(): News {
  let text: PartialText | null = null;
  let result: GenerationResult | null = null;
  let isOver = false;
  let failure: { readonly error: unknown } | null = null;
  let lastAttempt = 0;
  let changed = Promise.withResolvers<void>();
  return {
    onText(newest) {
      // A worker that was frozen may still write for an attempt that another one was made after.
      if (newest.attempt < lastAttempt) return;
      lastAttempt = newest.attempt;
      text = newest;
      changed.resolve();
    },
    onResult(record) {
      result = record;
      isOver = true;
      changed.resolve();
    },
    onError(error) {
      // Kept rather than rejected: nobody may be awaiting it now.
      failure = { error };
      changed.resolve();
    },
    async next() {
      await changed.promise;
      changed = Promise.withResolvers();
      if (failure !== null) throw failure.error;
      const told = { text, result, isOver };
      text = null;
      return told;
    },
  };
}
