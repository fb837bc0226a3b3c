import { InvalidInputError } from "./problem.ts";

/** Without a byte order mark. `null`: it is not UTF-8; Latin-1 read as UTF-8 would end up in posts. */
export function utf8Of(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

export const NOT_UTF8 = "bytes that are not UTF-8";

/**
 * As above.
 * @throws InvalidInputError naming the line that is not UTF-8
 */
export function decodeUtf8(source: string, bytes: Uint8Array, expected = "a file saved as UTF-8"): string {
  const text = utf8Of(bytes);
  if (text !== null) return text;
  throw new InvalidInputError([{ source, line: firstBadLine(bytes), path: "", got: NOT_UTF8, expected }]);
}

/** The replacement character marks the first byte that could not be decoded. */
function firstBadLine(bytes: Uint8Array): number {
  const [readable = ""] = new TextDecoder("utf-8").decode(bytes).split("\uFFFD", 1);
  return readable.split(/\r\n|\r|\n/).length;
}
