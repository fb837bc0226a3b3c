import { compileAgent, type CompileOptions } from "./compile-agent.ts";
import { retireModels, type RetiredAgent } from "./retire-models.ts";

const PROMPT =
  "You write the texts that you are asked for: clear, correct, and fitting the audience and the style that the request names. Answer with the text itself and nothing around it.";

/** Writes the `content` jobs that name no agent: OpenAI's default model, default settings, no persona. */
export function defaultAgent(options: CompileOptions): RetiredAgent {
  return retireModels(compileAgent({ id: "default", name: "Writer", custom_system_prompt: PROMPT }, options), options);
}
