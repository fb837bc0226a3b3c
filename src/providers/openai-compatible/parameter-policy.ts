/** Wire names of the sampling parameters, as chat completions spells them. */
export type SamplingName = "temperature" | "top_p" | "frequency_penalty" | "presence_penalty" | "logit_bias";

export type CapName = "max_tokens" | "max_completion_tokens";

/** What one model takes. Declared per vendor as data; `buildRequest` applies it and reports what it changed. */
export interface ParameterPolicy {
  readonly cap: CapName;
  /** The least reasoning that can be asked for; `null`: the model takes no `reasoning_effort`. */
  readonly reasoningEffort: "none" | "minimal" | "low" | null;
  /** Never taken, with the reason. */
  readonly refused: Readonly<Partial<Record<SamplingName, string>>>;
  /** Sampling parameters are taken only together with `reasoning_effort: "none"`. */
  readonly samplingNeedsEffortNone: boolean;
}
