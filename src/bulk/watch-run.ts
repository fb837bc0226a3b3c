import type { RunState } from "../job/bulk-run.ts";
import type { FeedCursor, RunBook } from "../storage/run-book.ts";
import type { FeedWindow } from "./feed-window.ts";

export type RunEvent = "paused" | "resumed" | "cancelled";

export interface WatchOptions {
  readonly window: FeedWindow;
  readonly cursor: () => FeedCursor;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

const LOOK_EVERY_MS = 1000;

/** Keeps saying that the run is fed and how far it has come, and does what others say of it. */
export function watchRun(
  runs: Pick<RunBook, "beat">,
  id: string,
  { window, cursor, onEvent }: WatchOptions,
): Disposable {
  let last: RunState = "running";
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    const state = (await runs.beat(id, cursor())) ?? last;
    if (isOver) return;
    window.setPaused(state === "paused");
    if (state === last) return;
    last = state;
    if (state === "cancelled") window.close();
    if (state !== "done") onEvent?.(state === "running" ? "resumed" : state);
  };
  const loop = (): void => {
    // What Redis does not answer now it is asked again.
    if (!isOver)
      timer = setTimeout(
        () =>
          void look()
            .catch(() => undefined)
            .finally(loop),
        LOOK_EVERY_MS,
      );
  };
  loop();
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
