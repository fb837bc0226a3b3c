import type { ParameterPolicy } from "../openai-compatible/parameter-policy.ts";

/**
 * Which Grok models can be told how much to reason. Read 2026-11-23 from:
 * - grok-4.3 takes `none`: https://docs.x.ai/developers/migration/may-15-retirement
 * - grok-4.5 to 4.7 always reason, `low` at least, `high` by default: https://github.com/mnfst/modelparams.dev/pull/330,
 *   https://github.com/theopenco/llmgateway/pull/4169 (both after https://docs.x.ai/docs/guides/reasoning)
 * - all others answer 400 to the parameter: https://github.com/NousResearch/hermes-agent/issues/23088
 */
const LEAST_REASONING: readonly { readonly match: RegExp; readonly least: "none" | "low" }[] = [
  { match: /^grok-4\.3/, least: "none" },
  { match: /^grok-4\.[5-7]/, least: "low" },
];

const PENALTY = "current Grok models answer 400 to it";

/** The same for every model: penalties are refused even at 0 (2026-09-15), `logit_bias` is documented as unsupported. */
const REFUSED: ParameterPolicy["refused"] = {
  frequency_penalty: PENALTY,
  presence_penalty: PENALTY,
  logit_bias: "the xAI reference calls it unsupported",
};

export function grokParameterPolicy(model: string): ParameterPolicy {
  return {
    // `max_tokens` is documented as deprecated.
    cap: "max_completion_tokens",
    reasoningEffort: LEAST_REASONING.find(({ match }) => match.test(model))?.least ?? null,
    refused: REFUSED,
    samplingNeedsEffortNone: false,
  };
}
