import type { GenerateContentConfig, GenerateContentParameters } from "@google/genai/web";
import { isOmitted } from "../../models/is-omitted.ts";
import type { ModelFamily } from "../../models/models-file.ts";
import { applyParameters } from "../http/apply-parameters.ts";
import type { BuiltRequest } from "../http/http-provider.ts";
import { splitConversation } from "../http/turns.ts";
import type { GenerateRequest } from "../provider.ts";

export interface GeminiCall {
  readonly parameters: GenerateContentParameters & { readonly config: GenerateContentConfig };
  /** Another path of the API. */
  readonly isStream: boolean;
}

/** What one attempt asks of the package, which turns it into the wire body. */
export function buildRequest(request: GenerateRequest, family: ModelFamily): BuiltRequest<GeminiCall> {
  const { values, reasoning, adjustedParams } = applyParameters({ ...request, omit: omitted(request) }, family);
  const { system, turns } = splitConversation(request.messages);
  const parameters = {
    model: request.model,
    contents: turns.map(({ role, content }) => ({
      role: role === "assistant" ? "model" : "user",
      parts: [{ text: content }],
    })),
    config: {
      ...(system !== null && { systemInstruction: { parts: [{ text: system }] } }),
      ...Object.fromEntries([...values].map(([name, value]) => [spelled(name), value])),
      ...reasoning,
    },
  };
  return { body: { parameters, isStream: request.parameters.stream }, adjustedParams };
}

const PENALTIES = ["frequency_penalty", "presence_penalty"];

/** Google does not say which penalty it refuses, and takes a cap whatever somebody said of it. */
function omitted({ omit }: GenerateRequest): readonly string[] {
  const refused = omit.filter((name) => !isOmitted("max_tokens", [name]));
  return refused.some((name) => PENALTIES.includes(name)) ? [...refused, ...PENALTIES] : refused;
}

/** Google's spelling of our names: no change that anybody has to be told of. */
function spelled(name: string): string {
  if (name === "max_tokens") return "maxOutputTokens";
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
