import type { CataloguedModel, ModelCatalogue } from "./model-catalogue.ts";
import type { ProviderId } from "../providers/provider.ts";

/** What can become of agents whose model is retired. */
export const RETIRED_MODELS = ["warn", "substitute", "refuse"] as const;
export type RetiredModels = (typeof RETIRED_MODELS)[number];

export interface Retirement {
  /** `soon`: within `SOON_DAYS`. */
  readonly when: "over" | "soon";
  /** UTC day. */
  readonly retiresOn: string;
  /** What is served in its place; `null`: nobody knows a model that is. */
  readonly replacement: string | null;
}

export const SOON_DAYS = 90;
const DAY_MS = 24 * 3600_000;

interface ModelId {
  readonly provider: ProviderId;
  readonly model: string;
}

type Entries = Pick<ModelCatalogue, "entry">;

/**
 * Whether a model's days are over, or nearly.
 * @param now epoch ms
 * @returns `null`: nothing of the kind is known
 */
export function retirementOf(catalogue: Entries, id: ModelId, now: number): Retirement | null {
  const end = retirement(catalogue.entry(id.provider, id.model) ?? {}, now);
  return end === null ? null : { ...end, replacement: successorOf(catalogue, id, now) };
}

/** What the entry alone says, and so with no regard to the replacement's own end. */
export function retirement(
  { retiresOn, replacement }: Pick<CataloguedModel, "retiresOn" | "replacement">,
  now: number,
): Retirement | null {
  if (retiresOn === undefined) return null;
  const leftMs = Date.parse(retiresOn) - now;
  if (leftMs > SOON_DAYS * DAY_MS) return null;
  return { when: leftMs <= 0 ? "over" : "soon", retiresOn, replacement: replacement ?? null };
}

/** Replacements are retired in their turn: the first one of the line whose days are not over. */
function successorOf(catalogue: Entries, { provider, model }: ModelId, now: number): string | null {
  const seen = new Set([model]);
  for (let name = model; ;) {
    const next = catalogue.entry(provider, name)?.replacement;
    if (next === undefined || seen.has(next)) return null;
    if (retirement(catalogue.entry(provider, next) ?? {}, now)?.when !== "over") return next;
    seen.add(next);
    name = next;
  }
}

/** `is retired since 2026-10-23`, `retires on 2027-01-14`. */
export function whenRetired({ when, retiresOn }: Retirement): string {
  return when === "over" ? `is retired since ${retiresOn}` : `retires on ${retiresOn}`;
}

/** What an error says of a model that is not to be used any more. @param from where its name comes from, if not from where the error is */
export function refusalOfRetired(
  model: string,
  { retiresOn, replacement }: Retirement,
  from = "",
): { readonly got: string; readonly expected: string } {
  const example = replacement === null ? "" : `, such as ${JSON.stringify(replacement)}`;
  return {
    got: `${JSON.stringify(model)}${from} (retired ${retiresOn})`,
    expected: `a model that is served${example}`,
  };
}
