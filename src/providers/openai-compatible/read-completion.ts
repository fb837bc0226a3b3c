import { z } from "zod";
import { noAnswer, textOrReason, type ReadAnswer } from "../http/read-answer.ts";
import { readVendorError } from "../http/vendor-error.ts";
import { convertUsage, reportedCostMicroUsd, type ReasoningTokens } from "./convert-usage.ts";
import { finishReason } from "./finish-reason.ts";

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

/** What a 2xx body says; `null`: it is no completion. */
export function readCompletion(body: unknown, convention: ReasoningTokens): ReadAnswer | null {
  const completion = completionSchema.safeParse(body);
  if (!completion.success) return null;
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

/** The model did not stop, its server did: OpenRouter, Z.ai, DeepSeek. */
const BROKEN: ReadonlySet<string> = new Set(["error", "network_error", "insufficient_system_resource"]);

function readChoice({ finish_reason, message }: z.infer<typeof choiceSchema>): ReadAnswer["outcome"] {
  const refusal = message?.refusal ?? "";
  if (refusal.trim() !== "") return { kind: "content-filtered", message: "the model refused" };
  const raw = finish_reason ?? null;
  if (BROKEN.has(raw ?? "")) return noAnswer(`the vendor's finish reason is ${raw}: the answer is not whole`).outcome;
  return textOrReason(message?.content ?? "", finishReason(raw), raw);
}

/** Gateways and xAI also put errors into a 200. */
function noChoice(body: unknown): ReadAnswer["outcome"] {
  const { message } = readVendorError(body);
  return noAnswer(`a completion without choices${message === "" ? "" : `: ${message}`}`).outcome;
}
