import { z } from "zod";
import { priceRatesShape, priceTiers } from "./price-entry.ts";

/*
 * What is known of models, as data: a `models.json` in each provider's folder, and the same form, with the provider's
 * name, in the operator's configuration file. Every fact carries its source and the day on which it was read.
 */

/** Our own names of what an agent can say of the sampling; a rule tells what becomes of one. */
export const PARAMETERS = [
  "max_tokens",
  "temperature",
  "top_p",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
  "user",
] as const;
export type ParameterName = (typeof PARAMETERS)[number];

const text = z.string({ error: "text" }).min(1, { error: "text that is not empty" });
const count = z.int({ error: "a whole number" }).positive({ error: "a number above 0" });
const date = z.iso.date({ error: "a date such as 2026-12-11" });

const ruleError = 'a rule: {"as": name}, {"min": n, "max": n} or {"drop": why}';
const unchecked = z.union(
  [
    z.strictObject({ drop: text }),
    z.strictObject({
      /** Its name on the wire. Default: the vendor's usual one. */
      as: text.optional(),
      /** What lies outside is moved to the border. */
      min: z.number().optional(),
      max: z.number().optional(),
    }),
  ],
  { error: ruleError },
);
const ruleSchema = unchecked.refine((rule) => "drop" in rule || (rule.min ?? -Infinity) <= (rule.max ?? Infinity), {
  error: "a rule whose min is not above its max",
});
export type ParameterRule = z.infer<typeof ruleSchema>;

const reasoningSchema = z.strictObject({
  /** The least that can be asked for; `fixed`: the model refuses to be asked. */
  least: z.enum(["none", "minimal", "low", "fixed"], { error: '"none", "minimal", "low" or "fixed"' }),
  /** What is sent to ask for it: fields of the vendor's own request. Default: `reasoning_effort` with `least`. */
  ask: z.record(text, z.json()).optional(),
  /** What the wire's cap gets on top of `max_tokens`, which counts for the visible text: reasoning uses it up as well. */
  headroomTokens: z.int().min(0).default(0),
  /** Sampling parameters are taken only while the effort is `none`. */
  samplingNeedsNone: z.boolean().default(false),
});

const source = {
  source: text.optional(),
  readOn: date.optional(),
};

const parameters = z
  .partialRecord(z.enum(PARAMETERS), ruleSchema)
  .refine(({ max_tokens: rule = {} }) => "drop" in rule || isCap(rule.max ?? 1), {
    path: ["max_tokens"],
    error: "a rule whose max is a whole number above 0",
  })
  .default({});

function isCap(tokens: number): boolean {
  return Number.isInteger(tokens) && tokens >= 1;
}

/** Models that take the same parameters. */
export const familySchema = z.strictObject({
  /** Globs that know `*` only, against the whole name of a model. The first family that matches counts. */
  match: z.array(text).min(1),
  /** What is not named is taken as it is. */
  parameters,
  /** `null`: it does not reason unless told to, or never. */
  reasoning: reasoningSchema.nullable().default(null),
  ...source,
});
export type ModelFamily = z.infer<typeof familySchema>;

export const modelSchema = z.strictObject({
  model: text,
  title: text.optional(),
  /** Input and output together. */
  contextTokens: count.optional(),
  /** The largest `max_tokens`. */
  outputTokens: count.optional(),
  /** From this day (UTC) on the vendor may refuse it. */
  retiresOn: date.optional(),
  /** What the vendor, or else we, would use in its place. */
  replacement: text.optional(),
  speed: text.optional(),
  quality: text.optional(),
  cost: text.optional(),
  bestFor: text.optional(),
  note: text.optional(),
  ...source,
});
export type ModelEntry = z.infer<typeof modelSchema>;

/** USD per million tokens. */
export const modelPriceSchema = z.strictObject({ model: text, ...priceRatesShape, tiers: priceTiers, ...source });

export const modelsFileSchema = z.strictObject({
  /** Rules of all families that do not say otherwise. */
  parameters,
  /** When speed, quality, cost and use were judged. */
  judgedOn: date.optional(),
  families: z.array(familySchema).default([]),
  models: z.array(modelSchema).default([]),
  prices: z.array(modelPriceSchema).default([]),
});

/** The operator's own entries win over the shipped ones, field by field for models. */
export const modelOverridesSchema = z.strictObject({
  families: z.array(familySchema.extend({ provider: text })).default([]),
  models: z.array(modelSchema.extend({ provider: text })).default([]),
});
export type ModelOverrides = z.infer<typeof modelOverridesSchema>;
