import { defineOpenAiAlike } from "../openai-compatible/define-openai-alike.ts";
import models from "./models.json" with { type: "json" };

export const OPENAI = defineOpenAiAlike({
  id: "openai",
  title: "OpenAI",
  baseUrl: "https://api.openai.com/v1",
  organizationVariable: "OPENAI_ORGANIZATION",
  // The cheapest current model, meant for short, repeated work, and it takes every sampling parameter (2026-11-23).
  defaultModel: "gpt-6-luna",
  takesClientRequestId: true,
  hasBatches: true,
  models,
});
