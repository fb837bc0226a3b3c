import type { OpenAI } from "openai";
import { isOmitted } from "../../models/is-omitted.ts";
import type { ModelFamily } from "../../models/models-file.ts";
import { REFUSED_EARLIER, applyParameters } from "../http/apply-parameters.ts";
import type { BuiltRequest } from "../http/http-provider.ts";
import type { AdjustedParameter, GenerateRequest } from "../provider.ts";

export type ChatCompletionsBody = OpenAI.ChatCompletionCreateParams;

/** The wire body for one attempt. Our names of the parameters are those of chat completions. */
export function buildRequest(request: GenerateRequest, family: ModelFamily): BuiltRequest<ChatCompletionsBody> {
  const { values, reasoning, adjustedParams } = applyParameters(request, family);
  const streaming: AdjustedParameter[] = [];
  return {
    body: {
      model: request.model,
      messages: [...request.messages],
      ...Object.fromEntries(values),
      ...reasoning,
      ...(request.parameters.stream && stream(request, streaming)),
    },
    adjustedParams: [...adjustedParams, ...streaming],
  };
}

/** Without `include_usage` the usage of a stream is not told; servers that refuse it are asked without, and estimated. */
function stream({ omit }: GenerateRequest, adjustedParams: AdjustedParameter[]): Partial<ChatCompletionsBody> {
  if (isOmitted("stream", omit)) {
    adjustedParams.push({ parameter: "stream", change: "dropped", why: REFUSED_EARLIER });
    return {};
  }
  return { stream: true, ...(!isOmitted("stream_options", omit) && { stream_options: { include_usage: true } }) };
}
