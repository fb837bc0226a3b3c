/** Lines of standard error, of which there may be a million. */
export interface CappedLines {
  print(line: string): void;
  /** Says how many were left out. */
  end(): void;
}

const MOST_LINES = 20;

export function cappedLines(): CappedLines {
  let lines = 0;
  return {
    print(line) {
      if (lines++ < MOST_LINES) console.error(line);
    },
    end() {
      if (lines > MOST_LINES) console.error(`… and ${lines - MOST_LINES} more`);
    },
  };
}
