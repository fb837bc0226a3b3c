import { InvalidInputError } from "../platform/problem.ts";

/** A line of a text file as an editor counts it. */
export interface PhysicalLine {
  /** 1-based. */
  readonly number: number;
  readonly text: string;
  /** LF, CRLF or CR; empty at the end of a file without a final one. */
  readonly lineBreak: string;
}

export interface TextFile {
  /** For problems. */
  readonly path: string;
  /** A longer line is refused, so that memory stays bounded whatever the file is. */
  readonly longestLineBytes: number;
}

const LF = 0x0a;
const CR = 0x0d;

/**
 * Splits UTF-8, with or without a byte order mark, into lines. Decodes strictly: Latin-1 read as UTF-8 would end up in
 * posts.
 * @throws InvalidInputError naming the line that is not UTF-8, or too long
 */
export async function* physicalLines(
  chunks: AsyncIterable<Buffer>,
  { path, longestLineBytes }: TextFile,
): AsyncGenerator<PhysicalLine> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 1;
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // A CR at the very end may be the first half of a CRLF.
    const end = Math.max(bytes.lastIndexOf(LF), bytes.subarray(0, -1).lastIndexOf(CR)) + 1;
    for (const line of splitLines(decode(bytes.subarray(0, end), number, path), number)) {
      yield line;
      number = line.number + 1;
    }
    rest = bytes.subarray(end);
    if (rest.length > longestLineBytes) throw tooLong(number, path, longestLineBytes);
  }
  yield* splitLines(decode(rest, number, path), number);
}

function* splitLines(text: string, first: number): Generator<PhysicalLine> {
  const parts = text.split(/(\r\n|\n|\r)/);
  for (let index = 0; index < parts.length; index += 2) {
    const [line = "", lineBreak = ""] = parts.slice(index, index + 2);
    if (line !== "" || lineBreak !== "") yield { number: first + index / 2, text: line, lineBreak };
  }
}

function decode(bytes: Buffer, firstLine: number, path: string): string {
  try {
    // The mark counts only at the beginning of a file; elsewhere it is a character.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: firstLine > 1 }).decode(bytes);
  } catch {
    throw notUtf8(bytes, firstLine, path);
  }
}

const UTF16_MARKS = [Buffer.from([0xfe, 0xff]), Buffer.from([0xff, 0xfe])];

function notUtf8(bytes: Buffer, firstLine: number, path: string): InvalidInputError {
  const isUtf16 = firstLine === 1 && UTF16_MARKS.some((mark) => bytes.subarray(0, 2).equals(mark));
  // The replacement character stands for the first byte that could not be decoded.
  const [readable = ""] = new TextDecoder("utf-8").decode(bytes).split("\uFFFD", 1);
  const lines = readable.split(/\r\n|\n|\r/);
  const column = (lines.at(-1) ?? "").length + 1;
  const got = isUtf16 ? "UTF-16" : `bytes that are not UTF-8 (Latin-1 or Windows-1252?) at character ${column}`;
  const line = firstLine + lines.length - 1;
  return new InvalidInputError([{ source: path, line, path: "", got, expected: "a file saved as UTF-8" }]);
}

function tooLong(line: number, path: string, longestLineBytes: number): InvalidInputError {
  const got = `a line of more than ${longestLineBytes} bytes`;
  return new InvalidInputError([{ source: path, line, path: "", got, expected: "a text file with one row a line" }]);
}
