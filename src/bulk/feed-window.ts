/** How many rows are under way at once: neither the producer's memory nor Redis' has to hold all of them. */
export interface FeedWindow {
  /** Waits until another row may be fed. @returns false: none may any more */
  next(): Promise<boolean>;
  /** A row is under way. @param line its physical line */
  enter(id: string, line: number): void;
  /** It has its line in the output, or none is to come. */
  leave(id: string): void;
  /** No row is fed until it is set to false again. */
  setPaused(isPaused: boolean): void;
  /** No row is fed any more. */
  close(): void;
  /** Rows that are under way: how many, and the first of their lines; `null`: none. */
  readonly open: number;
  firstLine(): number | null;
}

export function createFeedWindow(most: number): FeedWindow {
  const open = new Map<string, number>();
  let waiting: (() => void) | undefined;
  const state = { isPaused: false, isClosed: false };
  const wake = (): void => {
    waiting?.();
    waiting = undefined;
  };
  return {
    async next() {
      while (!state.isClosed && (state.isPaused || open.size >= most)) {
        await new Promise<void>((resolve) => (waiting = resolve));
      }
      return !state.isClosed;
    },
    enter: (id, line) => void open.set(id, line),
    leave(id) {
      open.delete(id);
      wake();
    },
    setPaused(paused) {
      state.isPaused = paused;
      wake();
    },
    close() {
      state.isClosed = true;
      wake();
    },
    get open() {
      return open.size;
    },
    firstLine() {
      let first: number | null = null;
      for (const line of open.values()) if (first === null || line < first) first = line;
      return first;
    },
  };
}
