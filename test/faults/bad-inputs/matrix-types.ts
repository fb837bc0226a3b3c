/** The ways by which an input can come in, in the order of the columns. */
export const DOORS = ["agent file", "library", "CLI", "HTTP", "CSV", "JSONL", "environment"] as const;
export type Door = (typeof DOORS)[number];

/** A row of the table of bad inputs. */
export interface Row {
  readonly id: string;
  /** As the table has them. */
  readonly input: string;
  readonly expected: string;
  readonly cells: Readonly<Record<Door, Cell>>;
}

/** What a door does with the inputs of a row; a text: why they cannot come in by it. */
export type Cell = readonly Case[] | string;

/** One input and what is said to it: by the door itself, or by a test that there is already. */
export type Case = TriedCase | ShownCase;

export interface TriedCase {
  /** The input, for people. */
  readonly given: string;
  readonly attempt: Attempt;
  /** How it ends: an exit code, an HTTP status, or the class of what a library call throws. */
  readonly ends: number | string;
  /**
   * What is said, line by line; `…` stands for any text. These are all the lines that tell an error, in their order; where
   * there are none, they are among what is said.
   */
  readonly says: readonly string[];
  /** The job of that id has this text in the queue, character by character. */
  readonly keeps?: { readonly id: string; readonly text: string };
}

export interface ShownCase {
  readonly given: string;
  /** `test/e2e/redis.test.ts › title of a test, as it stands in the source` */
  readonly shownBy: string;
  readonly ends: number | string;
  readonly says: readonly string[];
}

/** What is done to bring an input in. */
export type Attempt = ProgramAttempt | LibraryAttempt | HttpAttempt;

export interface ProgramAttempt {
  readonly by: "program";
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of the folder that the program runs in. */
  readonly files?: Files;
  /** A file that is there afterwards: what it says counts as said. */
  readonly leaves?: string;
}

export interface LibraryAttempt {
  readonly by: "library";
  /** Of `createProducer`. */
  readonly agents?: readonly unknown[];
  readonly redisUrl?: string;
  /** One after the other, by `enqueue`. */
  readonly jobs?: readonly unknown[];
}

export interface HttpAttempt {
  readonly by: "http";
  /** `POST /api/v1/jobs` */
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** `null`: a folder of that name. */
export type Files = Readonly<Record<string, string | Buffer | null>>;
