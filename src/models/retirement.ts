import type { CataloguedModel, ModelCatalogue } from "./model-catalogue.ts";
import type { ProviderId } from "../providers/provider.ts";

export interface Retirement {
  /** `soon`: within `SOON_DAYS`. */
  readonly when: "over" | "soon";
  /** UTC day. */
  readonly retiresOn: string;
  readonly replacement: string | null;
}

export const SOON_DAYS = 90;
const DAY_MS = 24 * 3600_000;

/**
 * Whether a model's days are over, or nearly.
 * @param now epoch ms
 * @returns `null`: nothing of the kind is known
 */
export function retirementOf(
  catalogue: ModelCatalogue,
  { provider, model }: { readonly provider: ProviderId; readonly model: string },
  now: number,
): Retirement | null {
  const entry = catalogue.entry(provider, model);
  return entry === null ? null : retirement(entry, now);
}

export function retirement(
  { retiresOn, replacement }: Pick<CataloguedModel, "retiresOn" | "replacement">,
  now: number,
): Retirement | null {
  if (retiresOn === undefined) return null;
  const leftMs = Date.parse(retiresOn) - now;
  if (leftMs > SOON_DAYS * DAY_MS) return null;
  return { when: leftMs <= 0 ? "over" : "soon", retiresOn, replacement: replacement ?? null };
}
