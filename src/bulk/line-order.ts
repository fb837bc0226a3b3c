import type { OutputLine } from "./output-line.ts";

/** Takes lines as they come and passes them on in the order of their rows. */
export interface LineOrder {
  /** @param index of the row, from 0 without gaps; `null`: it has no line */
  put(index: number, line: OutputLine | null): Promise<void>;
}

export function createLineOrder(write: (line: OutputLine) => Promise<void>): LineOrder {
  const early = new Map<number, { line: OutputLine | null; written: () => void }>();
  let next = 0;
  return {
    async put(index, line) {
      const { promise, resolve } = Promise.withResolvers<void>();
      early.set(index, { line, written: resolve });
      for (let due = early.get(next); due !== undefined; due = early.get(next)) {
        early.delete(next++);
        if (due.line !== null) await write(due.line);
        due.written();
      }
      await promise;
    },
  };
}
