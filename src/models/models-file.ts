import { z } from "zod";
import { VISIBLE_LINE } from "../platform/invisible.ts";
import { strictObject } from "../platform/zod-faults.ts";
import { MODEL_GLOB, MODEL_GLOB_EXPECTED, MODEL_NAME, MODEL_NAME_EXPECTED } from "./model-names.ts";
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

const text = z
  .string({ error: "text" })
  .min(1, { error: "text that is not empty" })
  .regex(VISIBLE_LINE, { error: "text without line breaks and other control characters" });
const modelName = z.string({ error: MODEL_NAME_EXPECTED }).regex(MODEL_NAME, { error: MODEL_NAME_EXPECTED });
const modelGlob = z.string({ error: MODEL_GLOB_EXPECTED }).regex(MODEL_GLOB, { error: MODEL_GLOB_EXPECTED });
const count = z.int({ error: "a whole number" }).positive({ error: "a number above 0" });
const date = z.iso.date({ error: "a date such as 2026-12-11" });

/** What becomes of a parameter. */
export type ParameterRule =
  | { readonly drop: string }
  | {
      /** Its name on the wire. Default: the vendor's usual one. */
      readonly as?: string | undefined;
      /** What lies outside is moved to the border. */
      readonly min?: number | undefined;
      readonly max?: number | undefined;
    };

const ruleError = 'a rule: {"as": name}, {"min": n, "max": n} or {"drop": why}';
const bound = z.number({ error: "a number" }).optional();
const ruleSchema = strictObject({ drop: text.optional(), as: text.optional(), min: bound, max: bound }, ruleError)
  .refine(({ drop, ...rest }) => drop === undefined || Object.keys(rest).length === 0, { error: ruleError })
  .refine(({ min = -Infinity, max = Infinity }) => min <= max, {
    error: "a rule whose min is not above its max",
  })
  .transform(({ drop, ...rest }): ParameterRule => (drop === undefined ? rest : { drop }));

const reasoningSchema = strictObject({
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

const rule = ruleSchema.exactOptional();
const parameters = strictObject(
  {
    ...{ max_tokens: rule, temperature: rule, top_p: rule, frequency_penalty: rule, presence_penalty: rule },
    ...{ logit_bias: rule, user: rule },
  } satisfies Record<ParameterName, typeof rule>,
  "an object: parameter → rule",
)
  .refine(({ max_tokens: cap = {} }) => "drop" in cap || isCap(cap.max ?? 1), {
    path: ["max_tokens"],
    error: "a rule whose max is a whole number above 0",
  })
  .default({});

function isCap(tokens: number): boolean {
  return Number.isInteger(tokens) && tokens >= 1;
}

/** Models that take the same parameters. */
export const familySchema = strictObject({
  /** Globs that know `*` only, against the whole name of a model. The first family that matches counts. */
  match: z.array(modelGlob).min(1),
  /** What is not named is taken as it is. */
  parameters,
  /** `null`: it does not reason unless told to, or never. */
  reasoning: reasoningSchema.nullable().default(null),
  ...source,
});
export type ModelFamily = z.infer<typeof familySchema>;

export const modelSchema = strictObject({
  model: modelName,
  title: text.optional(),
  /** Input and output together. */
  contextTokens: count.optional(),
  /** The largest `max_tokens`. */
  outputTokens: count.optional(),
  /** From this day (UTC) on the vendor may refuse it. */
  retiresOn: date.optional(),
  /** What the vendor, or else we, would use in its place. */
  replacement: modelName.optional(),
  speed: text.optional(),
  quality: text.optional(),
  cost: text.optional(),
  bestFor: text.optional(),
  note: text.optional(),
  ...source,
});
export type ModelEntry = z.infer<typeof modelSchema>;

/** USD per million tokens. */
export const modelPriceSchema = strictObject({ model: modelName, ...priceRatesShape, tiers: priceTiers, ...source });

export const modelsFileSchema = strictObject({
  /** Rules of all families that do not say otherwise. */
  parameters,
  /** When speed, quality, cost and use were judged. */
  judgedOn: date.optional(),
  families: z.array(familySchema).default([]),
  models: z.array(modelSchema).default([]),
  prices: z.array(modelPriceSchema).default([]),
});

/** The operator's own entries win over the shipped ones, field by field for models. */
export const modelOverridesSchema = strictObject({
  families: z.array(strictObject({ ...familySchema.shape, provider: text })).default([]),
  models: z.array(strictObject({ ...modelSchema.shape, provider: text })).default([]),
});
export type ModelOverrides = z.infer<typeof modelOverridesSchema>;
