import { showInvisible } from "../platform/invisible.ts";

/** Standard output or error: a terminal, a file or a pipe. */
export interface OutputStream {
  readonly isTTY?: boolean;
  write(output: string): unknown;
}

/** What others wrote reaches a terminal without control characters; a file or a pipe gets it as it is. */
export function writeText(stream: OutputStream, text: string): void {
  stream.write(stream.isTTY === true ? showInvisible(text) : text);
}
