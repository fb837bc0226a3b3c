import { describeBody } from "./json.ts";
import type { ProviderErrorKind } from "../provider-error.ts";
import type { FinishReason, TokenUsage } from "../provider.ts";

/** What a 2xx answer says, whichever vendor gave it. Usage is kept whatever came of the text, because it is billed. */
export interface ReadAnswer {
  /** The vendor's id of the call. */
  readonly id: string | null;
  readonly model: string | null;
  /** `null` when the vendor did not say. */
  readonly usage: TokenUsage | null;
  readonly reportedCostMicroUsd: number | null;
  readonly finishReason: FinishReason;
  readonly rawFinishReason: string | null;
  /** The text, or why there is none. */
  readonly outcome: { readonly text: string } | { readonly kind: ProviderErrorKind; readonly message: string };
}

/** What a 2xx body says, be it JSON or not. @param body what `parseJson` makes of `text` */
export function readBody(text: string, body: unknown, read: (body: unknown) => ReadAnswer | null): ReadAnswer {
  return read(body) ?? noAnswer(`${describeBody(text, body)} in place of a completion`);
}

/** Something else than an answer of the model. */
export function noAnswer(message: string): ReadAnswer {
  return {
    id: null,
    model: null,
    usage: null,
    reportedCostMicroUsd: null,
    finishReason: "other",
    rawFinishReason: null,
    outcome: { kind: "invalid-response", message },
  };
}

/**
 * What a text, or its absence, means.
 * @param raw the vendor's finish reason
 */
export function textOrReason(text: string, finish: FinishReason, raw: string | null): ReadAnswer["outcome"] {
  if (finish === "content-filter") return { kind: "content-filtered", message: "the content filter cut in" };
  if (text.trim() !== "") return { text };
  if (finish === "length") {
    return { kind: "truncated-empty", message: "the answer was cut by length before any text" };
  }
  return { kind: "invalid-response", message: `an empty text, finish reason ${raw ?? "missing"}` };
}
