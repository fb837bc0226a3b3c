import type { GenerateRequest, SamplingParameters } from "../../src/providers/provider.ts";

const DEFAULT_PARAMETERS: SamplingParameters = {
  temperature: 0.7,
  maxTokens: 280,
  topP: 0.9,
  frequencyPenalty: 0,
  presencePenalty: 0,
  stream: false,
};

export type RequestChanges = Partial<Omit<GenerateRequest, "parameters">> & {
  readonly parameters?: Partial<SamplingParameters>;
};

/** A request as the worker would make it, with what a test needs changed. */
export function generateRequest({ parameters, ...changes }: RequestChanges = {}): GenerateRequest {
  return {
    attemptId: "j_1.1",
    model: "gpt-6-luna",
    messages: [
      { role: "system", content: "You are a lighthouse keeper who writes short posts." },
      { role: "user", content: "Write a tweet about the sea." },
    ],
    omit: [],
    capTokens: parameters?.maxTokens ?? DEFAULT_PARAMETERS.maxTokens,
    isRecovery: false,
    timeoutMs: 10_000,
    options: {},
    ...changes,
    parameters: { ...DEFAULT_PARAMETERS, ...parameters },
  };
}
