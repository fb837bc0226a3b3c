import { z } from "zod";

const usdPerMtok = z.number().nonnegative();

export const priceRatesShape = {
  inputMtok: usdPerMtok,
  /** Default: the input price. */
  cachedInputMtok: usdPerMtok.optional(),
  /** For input that the vendor writes to its cache; default: the input price. */
  cacheWriteMtok: usdPerMtok.optional(),
  outputMtok: usdPerMtok,
};

/** In whatever order people write them: the last one that is reached counts. */
export const priceTiers = z
  .array(z.strictObject({ fromInputTokens: z.number().int().positive(), ...priceRatesShape }))
  .transform((tiers) => tiers.toSorted((a, b) => a.fromInputTokens - b.fromInputTokens))
  .default([]);

/**
 * What a model costs, in USD per million tokens; a tier counts for the whole request once its input reaches
 * `fromInputTokens`. Both the shipped overrides and the operator's own have this form.
 */
export const priceEntrySchema = z.strictObject({
  provider: z.string().min(1),
  model: z.string().min(1),
  ...priceRatesShape,
  tiers: priceTiers,
  contextTokens: z.number().int().positive().optional(),
  /** Where and when this was read. */
  source: z.string().optional(),
  readOn: z.iso.date().optional(),
});

export type PriceEntry = z.infer<typeof priceEntrySchema>;
export type PriceRates = Pick<PriceEntry, keyof typeof priceRatesShape>;
