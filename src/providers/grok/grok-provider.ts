import { defineOpenAiAlike } from "../openai-compatible/define-openai-alike.ts";
import models from "./models.json" with { type: "json" };

export const GROK = defineOpenAiAlike({
  id: "grok",
  title: "xAI Grok",
  baseUrl: "https://api.x.ai/v1",
  keyVariables: ["GROK_API_KEY", "XAI_API_KEY"],
  keyPoolVariables: ["GROK_API_KEYS", "XAI_API_KEYS"],
  endpointVariable: "GROK_API_ENDPOINT",
  // Half the price of grok-4.7, which cannot stop reasoning. xAI itself names it as the successor of the retired models
  // (2026-11-23).
  defaultModel: "grok-4.3",
  // xAI has limits per team and model: all keys of a team share them.
  limitGroups: ["model"],
  reasoningTokens: "beside-completion",
  models,
});
