import { createChatCompletions, type ChatCompletionsContext } from "../openai-compatible/chat-completions.ts";
import type { Provider } from "../provider.ts";
import { openAiParameterPolicy } from "./openai-models.ts";

export interface OpenAiSettings {
  readonly apiKey: string;
  /** Default `OPENAI_BASE_URL`; already through `normalizeEndpoint`. */
  readonly baseUrl?: string;
  /** The `OpenAI-Organization` header, for keys that belong to several. */
  readonly organization?: string;
}

export const OPENAI_BASE_URL = "https://api.openai.com/v1";

export function createOpenAi(settings: OpenAiSettings, context: ChatCompletionsContext): Provider {
  return createChatCompletions(
    {
      id: "openai",
      baseUrl: settings.baseUrl ?? OPENAI_BASE_URL,
      apiKey: settings.apiKey,
      organization: settings.organization,
      reasoningTokens: "inside-completion",
      parameterPolicy: openAiParameterPolicy,
      takesClientRequestId: true,
    },
    context,
  );
}
