import type { FinishReason, TokenUsage } from "../../src/providers/provider.ts";
import type { RecordedAnswer } from "../support/recorded-answers.ts";

/** How a vendor puts things, so that one suite can ask the same of all of them. */
export interface Wire {
  /** What goes into the settings for a server at `origin`. */
  baseUrl(origin: string): string;
  /** Where a call for `model` goes. */
  path(model: string, how: "whole" | "stream"): string;
  readonly keyHeader: { readonly name: string; value(key: string): string };
  /** An answer in the vendor's form, for checks that are not about what vendors answer. */
  whole(parts?: AnswerParts): RecordedAnswer;
  /** The same as events. */
  stream(parts?: StreamParts): RecordedAnswer;
  /** What a finish reason of the vendor's stands for. */
  readonly finishReasons: readonly (readonly [raw: string, reason: FinishReason])[];
  /** A stream says itself when it is over, before its connection ends. */
  readonly hasLastEvent: boolean;
  /** In test/fixtures: the vendor's own answers. */
  readonly folders: readonly string[];
  /** An error in the vendor's form. */
  error(message: string): unknown;
  /** Recorded answers, and what they have to be taken for. */
  readonly recorded: {
    /** Nothing but reasoning, up to the cap. */
    readonly truncatedEmpty: Recorded;
    /** Refused by the model or a filter. */
    readonly refusals: readonly Recorded[];
    readonly streams: readonly RecordedStream[];
    /** An error after a 200, in the stream. */
    readonly streamError: { readonly file: string; readonly kind: string; readonly comesFirst: boolean };
    /** An answer that leaves out its choices. */
    readonly noAnswer: unknown;
  };
}

export interface AnswerParts {
  /** Default "Hello from the test server."; `null`: no text at all. */
  readonly text?: string | null;
  readonly model?: string;
  /** The vendor's finish reason; default: that of a whole text. */
  readonly finish?: string;
  /** False leaves the usage out. Default: 40 tokens in, 8 out. */
  readonly usage?: boolean;
}

export interface StreamParts extends Omit<AnswerParts, "text"> {
  /** Default "Hello ", "from ", "the test server." */
  readonly texts?: readonly string[];
  /** False: it stops before its end. Default true. */
  readonly isWhole?: boolean;
}

export interface Recorded {
  /** In test/fixtures. */
  readonly file: string;
  readonly usage: Partial<TokenUsage>;
}

export interface RecordedStream extends Recorded {
  /** How the text begins and ends; empty: there is none, for `kind`. */
  readonly begins: string;
  readonly ends: string;
  readonly kind?: string;
}
