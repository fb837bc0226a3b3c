import { defineOpenAiAlike } from "../openai-compatible/define-openai-alike.ts";

/** Any server on this machine that speaks chat completions: Ollama, llama.cpp, vLLM, LM Studio. */
export const LOCAL = defineOpenAiAlike({
  id: "local",
  title: "Local models",
  // Ollama's; llama.cpp listens on port 8080, vLLM on 8000, LM Studio on 1234.
  baseUrl: "http://127.0.0.1:11434/v1",
  needsKey: false,
  defaultModel: "llama3.2",
  limited: false,
  isFree: true,
});
