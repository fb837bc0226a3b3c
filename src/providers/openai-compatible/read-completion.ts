import { z } from "zod";
import type { ProviderErrorKind } from "../provider-error.ts";
import type { FinishReason, TokenUsage } from "../provider.ts";
import { convertUsage, reportedCostMicroUsd, type ReasoningTokens } from "./convert-usage.ts";
import { finishReason } from "./finish-reason.ts";
import { readVendorError } from "./vendor-error.ts";

export interface ReadCompletion {
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

const optionalText = z.string().nullish().catch(null);

const completionSchema = z.object({
  id: optionalText,
  model: optionalText,
  usage: z.unknown().optional(),
  choices: z.array(z.unknown()).catch([]),
});

const choiceSchema = z.object({
  finish_reason: optionalText,
  // Azure's content filter leaves `message` out altogether.
  message: z.object({ content: optionalText, refusal: optionalText }).nullish().catch(null),
});

/** What a 2xx body says. Never throws; usage is kept whatever came of the text, because it is billed. */
export function readCompletion(bodyText: string, convention: ReasoningTokens): ReadCompletion {
  const body = parseJson(bodyText);
  const completion = completionSchema.safeParse(body);
  if (!completion.success) return noCompletion(`${describe(bodyText, body)} in place of a completion`);
  const { id, model, usage, choices } = completion.data;
  const choice = choiceSchema.safeParse(choices[0]).data;
  const raw = choice?.finish_reason ?? null;
  return {
    id: id ?? null,
    model: model ?? null,
    usage: convertUsage(usage, convention),
    reportedCostMicroUsd: reportedCostMicroUsd(usage),
    finishReason: finishReason(raw),
    rawFinishReason: raw,
    outcome: choice === undefined ? noChoice(body) : readChoice(choice),
  };
}

function readChoice({ finish_reason, message }: z.infer<typeof choiceSchema>): ReadCompletion["outcome"] {
  const refusal = message?.refusal ?? "";
  if (refusal.trim() !== "") return { kind: "content-filtered", message: "the model refused" };
  if (finish_reason === "content_filter") return { kind: "content-filtered", message: "the content filter cut in" };
  const text = message?.content ?? "";
  if (text.trim() !== "") return { text };
  if (finish_reason === "length") {
    return { kind: "truncated-empty", message: "the answer was cut by length before any text" };
  }
  return { kind: "invalid-response", message: `an empty text, finish reason ${finish_reason ?? "missing"}` };
}

/** Gateways and xAI also put errors into a 200. */
function noChoice(body: unknown): ReadCompletion["outcome"] {
  const { message } = readVendorError(body);
  return { kind: "invalid-response", message: `a completion without choices${message === "" ? "" : `: ${message}`}` };
}

function noCompletion(message: string): ReadCompletion {
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

/** The text itself when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function describe(bodyText: string, body: unknown): string {
  if (bodyText.trim() === "") return "an empty body";
  if (/^\s*</.test(bodyText)) return "an HTML page";
  return body === bodyText ? "broken JSON" : "other JSON";
}
