import type { ProviderId } from "../providers/provider.ts";
import { headroomTokensOf } from "./least-reasoning.ts";
import { baseModel, matchesGlob, namesOf } from "./model-names.ts";
import { modelsFileSchema, type ModelEntry, type ModelFamily, type ModelOverrides } from "./models-file.ts";
import type { PriceEntry } from "./price-entry.ts";
import { remembered } from "./remembered.ts";

export interface CataloguedModel extends ModelEntry {
  readonly provider: ProviderId;
  /** When speed, quality, cost and use were judged; absent: the operator said so. */
  readonly judgedOn?: string | undefined;
}

/** The source of what an operator has written without naming one. */
const OWN_SOURCE = "the configuration file";

/** What is known of models: shipped with each provider, and the operator's own on top. */
export interface ModelCatalogue {
  /** What a model takes. Memoised: it is on the hot path. Never fails: what nobody knows takes everything. */
  family(provider: ProviderId, model: string): ModelFamily;
  /** A snapshot or a fine-tuned model is found under its base's name. */
  entry(provider: ProviderId, model: string): CataloguedModel | null;
  /** The most that a call may write. */
  capTokens(call: CapRequest): number;
  /** Nobody sends a bill for its calls. */
  isFree(provider: ProviderId): boolean;
  /** A vendor whose models are shipped with us: one that is missing is a reason for doubt. */
  listsModelsOf(provider: ProviderId): boolean;
  readonly models: readonly CataloguedModel[];
  readonly prices: readonly PriceEntry[];
}

export interface CapRequest {
  readonly provider: ProviderId;
  readonly model: string;
  /** What the agent says: it counts for the visible text, and reasoning comes on top. */
  readonly maxTokens: number;
  /** 1, or more after an empty text that was cut by length. */
  readonly factor: number;
  /** Wire names that are left out of the call: without the request for the least reasoning more room is needed. Default: none. */
  readonly omit?: readonly string[];
}

/** One provider's part of the catalogue. */
export interface ProviderModels {
  readonly id: ProviderId;
  /** Data of the form `modelsFileSchema`. */
  readonly models: unknown;
  readonly isFree: boolean;
}

const TAKES_EVERYTHING: ModelFamily = { match: ["*"], parameters: {}, reasoning: null };

export function createCatalogue(
  providers: readonly ProviderModels[],
  overrides: ModelOverrides = { families: [], models: [] },
): ModelCatalogue {
  const shipped = providers.map(({ id, models }) => ({ provider: id, ...modelsFileSchema.parse(models) }));
  const common = new Map(shipped.map(({ provider, parameters }) => [provider, parameters]));
  const families = [
    ...overrides.families,
    ...shipped.flatMap(({ provider, families: own }) => own.map((family) => ({ ...family, provider }))),
  ].map((family) => ({ ...family, parameters: { ...common.get(family.provider), ...family.parameters } }));
  const models = new Map<string, CataloguedModel>();
  for (const { provider, judgedOn, models: own } of shipped)
    for (const entry of own) models.set(keyOf({ ...entry, provider }), { ...entry, provider, judgedOn });
  for (const entry of overrides.models) {
    // The shipped source and its date are none of a fact that the operator has changed.
    const own = { source: OWN_SOURCE, readOn: undefined, judgedOn: undefined, ...entry };
    models.set(keyOf(entry), { ...models.get(keyOf(entry)), ...own });
  }
  const listed = new Set(shipped.filter(({ models: own }) => own.length > 0).map(({ provider }) => provider));
  const free = new Set(providers.filter(({ isFree }) => isFree).map(({ id }) => id));

  const family = remembered((provider, model): ModelFamily => {
    const isOf = ({ match }: ModelFamily): boolean => match.some((glob) => matchesGlob(glob, baseModel(model)));
    const known = families.find((candidate) => candidate.provider === provider && isOf(candidate));
    return known ?? { ...TAKES_EVERYTHING, parameters: common.get(provider) ?? {} };
  });
  const entry = remembered(
    (provider, model) =>
      namesOf(model)
        .map((name) => models.get(keyOf({ provider, model: name })))
        .find((found) => found !== undefined) ?? null,
  );
  return {
    family,
    entry,
    capTokens({ provider, model, maxTokens, factor, omit = [] }) {
      const wanted = Math.ceil((maxTokens + headroomTokensOf(family(provider, model).reasoning, omit)) * factor);
      return Math.min(wanted, entry(provider, model)?.outputTokens ?? wanted);
    },
    isFree: (provider) => free.has(provider),
    listsModelsOf: (provider) => listed.has(provider) && !free.has(provider),
    models: [...models.values()],
    prices: shipped.flatMap(({ provider, prices }) => prices.map((price) => ({ ...price, provider }))),
  };
}

function keyOf({ provider, model }: { readonly provider: ProviderId; readonly model: string }): string {
  return `${provider}/${model}`;
}
