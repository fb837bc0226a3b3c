import { createChatCompletions, type ChatCompletionsContext } from "../openai-compatible/chat-completions.ts";
import type { Provider } from "../provider.ts";
import { grokParameterPolicy } from "./grok-models.ts";

export interface GrokSettings {
  readonly apiKey: string;
  /** Default `GROK_BASE_URL`; already through `normalizeEndpoint`. */
  readonly baseUrl?: string;
}

export const GROK_BASE_URL = "https://api.x.ai/v1";

export function createGrok(settings: GrokSettings, context: ChatCompletionsContext): Provider {
  return createChatCompletions(
    {
      id: "grok",
      baseUrl: settings.baseUrl ?? GROK_BASE_URL,
      apiKey: settings.apiKey,
      reasoningTokens: "beside-completion",
      parameterPolicy: grokParameterPolicy,
      takesClientRequestId: false,
    },
    context,
  );
}
