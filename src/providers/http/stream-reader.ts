import { isRecord, parseJson } from "./json.ts";

/** Puts the events of one stream together. One instance per call. */
export interface StreamAssembler {
  /** Takes the JSON of one event, or a text that is none, such as `[DONE]`. */
  push(event: unknown): void;
  /** The text so far. */
  text(): string;
  /** The same body as an answer that was not streamed; `null` while the end is missing. */
  whole(): unknown;
}

/** Of the assembled text: whatever is longer is no post. */
const MAX_TEXT_CHARACTERS = 4 * 1024 * 1024;

/** What came over a stream, and what a follower is told of it. */
export class StreamReader {
  /** An event that tells an error; `null`: none did. It ends the answer, whatever comes later. */
  error: unknown = null;

  readonly #assembler: StreamAssembler;
  readonly #onText: ((textSoFar: string) => void) | undefined;
  #told = 0;

  constructor(assembler: StreamAssembler, onText: ((textSoFar: string) => void) | undefined) {
    this.#assembler = assembler;
    this.#onText = onText;
  }

  /** @returns false: the text is larger than it may be */
  take(data: string): boolean {
    const event = parseJson(data);
    // All vendors tell an error in an event's `error`; OpenAI's chunks never have that member otherwise.
    if (isRecord(event) && event["error"] !== undefined && event["error"] !== null) this.error ??= event;
    if (this.error !== null) return true;
    this.#assembler.push(event);
    const text = this.#assembler.text();
    if (text.length > this.#told) {
      this.#told = text.length;
      this.#onText?.(text);
    }
    return text.length <= MAX_TEXT_CHARACTERS;
  }

  whole(): unknown {
    return this.error === null ? this.#assembler.whole() : null;
  }
}
