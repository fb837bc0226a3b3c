import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { InvalidInputError } from "../platform/problem.ts";

/** The beginning of every gzip file. */
const GZIP = Buffer.from([0x1f, 0x8b]);

export type InputFormat = "csv" | "jsonl";

/**
 * Writes a stream into a file, so that it can be read more than once and a run be resumed: its name gets the ending of what
 * is in it.
 * @param path without an ending
 * @param format default: what it begins with tells JSON and CSV apart; needed for compressed input
 * @returns the file
 * @throws InvalidInputError when there is nothing in the stream
 */
export async function spool(
  stream: AsyncIterable<Buffer | string>,
  path: string,
  format?: InputFormat,
): Promise<string> {
  let beginning = Buffer.alloc(0);
  const part = `${path}.part`;
  const watched = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      if (beginning.length < 64) beginning = Buffer.concat([beginning, bytes.subarray(0, 64)]);
      yield bytes;
    }
  };
  await pipeline(watched, createWriteStream(part));
  if (beginning.length === 0) {
    throw new InvalidInputError([{ source: "standard input", path: "", got: "0 rows", expected: "at least one row" }]);
  }
  const isCompressed = beginning.subarray(0, 2).equals(GZIP);
  if (isCompressed && format === undefined) {
    const got = "compressed input";
    throw new InvalidInputError([
      { source: "standard input", path: "", got, expected: "--format csv or jsonl with it" },
    ]);
  }
  const isJson = /^\uFEFF?\s*\{/.test(beginning.toString("utf8"));
  const named = `${path}.${format ?? (isJson ? "jsonl" : "csv")}${isCompressed ? ".gz" : ""}`;
  await rename(part, named);
  return named;
}
