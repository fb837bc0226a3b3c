import type { ParameterPolicy } from "../openai-compatible/parameter-policy.ts";

/**
 * Which OpenAI models reason, and how little they can be asked to. Read 2026-11-23 from:
 * - https://developers.openai.com/api/docs/guides/deployment-checklist ("When reasoning effort is not none, remove
 *   temperature, top_p and top_logprobs"; GPT-6 Sol and Luna take `none`) and .../docs/models/gpt-6.1-terra (`none`)
 * - GPT-6 Astra and GPT-6.1 Sol take `low` and more, no `none`: https://github.com/BerriAI/litellm-docs/pull/1173,
 *   https://apidog.com/blog/gpt-6-1-terra-vs-gpt-6-1-sol/
 * - GPT-5 to GPT-5.6 and the o-series, tried against the API in July 2026:
 *   https://github.com/pydantic/pydantic-ai/blob/4fda38988f2939fa6ea9cdefcf120693e10ef491/pydantic_ai_slim/pydantic_ai/profiles/openai.py
 *   and on 2026-09-09, with temperature: https://github.com/anomalyco/models.dev/issues/6639
 *
 * The first match wins. A model that no row knows is taken for an older one that takes everything.
 */
const FAMILIES: readonly { readonly match: RegExp; readonly least: LeastReasoning }[] = [
  { match: /^gpt-5-chat/, least: "never reasons" },
  // The chat variants since GPT-5.1, the Pro and most Codex models reason at a fixed effort and refuse the parameter.
  {
    match: /^gpt-(5\.\d+-chat|chat-latest)|^(gpt-5(\.\d+)?|o[13])-pro|^gpt-5(\.1)?-codex|^o1-(mini|preview)/,
    least: "fixed",
  },
  { match: /^gpt-5(-|$)/, least: "minimal" },
  { match: /^gpt-5\.\d/, least: "none" },
  { match: /^gpt-(6-(luna|sol)|6\.1-terra)/, least: "none" },
  // Later families: `low` is the least that every reasoning model takes.
  { match: /^gpt-([6-9]|\d\d)/, least: "low" },
  { match: /^o\d/, least: "low" },
];

type LeastReasoning = "never reasons" | "fixed" | "none" | "minimal" | "low";

const WHY = "reasoning models choose for themselves";
const NO_SAMPLING: ParameterPolicy["refused"] = {
  temperature: WHY,
  top_p: WHY,
  frequency_penalty: WHY,
  presence_penalty: WHY,
  logit_bias: WHY,
};

export function openAiParameterPolicy(model: string): ParameterPolicy {
  // A fine-tuned model, `ft:gpt-4o:org::id`, takes what its base takes.
  const base = model.replace(/^ft:/, "");
  const least = FAMILIES.find(({ match }) => match.test(base))?.least ?? "never reasons";
  switch (least) {
    case "never reasons":
      return { cap: "max_tokens", reasoningEffort: null, refused: {}, samplingNeedsEffortNone: false };
    case "fixed":
      return {
        cap: "max_completion_tokens",
        reasoningEffort: null,
        refused: NO_SAMPLING,
        samplingNeedsEffortNone: false,
      };
    case "none":
      return {
        cap: "max_completion_tokens",
        reasoningEffort: "none",
        refused: {},
        samplingNeedsEffortNone: true,
      };
    case "minimal":
    case "low":
      return {
        cap: "max_completion_tokens",
        reasoningEffort: least,
        refused: NO_SAMPLING,
        samplingNeedsEffortNone: false,
      };
    default:
      return least satisfies never;
  }
}
