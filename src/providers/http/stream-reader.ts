import type { StreamEvent } from "./event-decoder.ts";
import type { StreamState } from "./http-exchange.ts";
import { isRecord } from "../../platform/field-fault.ts";
import { parseJson } from "./json.ts";

/** Puts the events of one stream together. One instance per call. */
export interface StreamAssembler {
  /** Takes the JSON of one event, or a text that is none, such as `[DONE]`. */
  push(event: unknown): void;
  /** The text so far. */
  text(): string;
  /** The same body as an answer that was not streamed; `null` while the end is missing. */
  whole(): unknown;
  /** The vendor's last event has come. Those that have none such are over when their connection is. */
  isOver(): boolean;
}

/** Of the assembled text: whatever is longer is no post. */
const MAX_TEXT_CHARACTERS = 4 * 1024 * 1024;

/** What came over a stream, and what a follower is told of it. */
export class StreamReader {
  /** An event that tells an error; `null`: none did. It ends the answer, whatever comes later. */
  error: unknown = null;
  /** Something of an answer came, be it a text or not: the vendor may send a bill for it. */
  hasBegun = false;

  readonly #assembler: StreamAssembler;
  readonly #onText: ((textSoFar: string) => void) | undefined;
  #told = 0;

  constructor(assembler: StreamAssembler, onText: ((textSoFar: string) => void) | undefined) {
    this.#assembler = assembler;
    this.#onText = onText;
  }

  take({ name, data }: StreamEvent): StreamState {
    const event = parseJson(data);
    if (name === "error" || tellsError(event)) {
      this.error ??= event;
      return "over";
    }
    this.hasBegun = true;
    this.#assembler.push(event);
    const text = this.#assembler.text();
    if (text.length > this.#told) {
      this.#told = text.length;
      this.#onText?.(text);
    }
    if (text.length > MAX_TEXT_CHARACTERS) return "too-large";
    return this.#assembler.isOver() ? "over" : "goes-on";
  }

  whole(): unknown {
    return this.error === null ? this.#assembler.whole() : null;
  }
}

/** `{error}` (OpenAI, Anthropic, Google), `{object: "error"}` (vLLM), `{choices: [{error}]}` (OpenRouter). */
function tellsError(event: unknown): boolean {
  if (!isRecord(event)) return false;
  const { error, object, choices } = event;
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const ofChoice = isRecord(first) ? first["error"] : undefined;
  return (error ?? ofChoice ?? null) !== null || object === "error";
}
