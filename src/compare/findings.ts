import { formatUsd, milliseconds } from "../platform/numbers.ts";
import type { ModelSummary } from "./summarise.ts";

/** What strikes the eye, a sentence each. Only what the numbers say: of one model, or of equals, nothing is said. */
export function findings(models: readonly ModelSummary[]): string[] {
  if (models.length < 2) return [];
  return [quickest(models), cheapest(models), ...models.map(failing)].filter((sentence) => sentence !== null);
}

function quickest(models: readonly ModelSummary[]): string | null {
  const ends = endsOf(models, ({ p50Ms }) => p50Ms);
  if (ends === null) return null;
  const { least, most } = ends;
  const times = { least: milliseconds(least.value), most: milliseconds(most.value) };
  return `${least.model} was the quickest: half of its texts came within ${times.least}; ${most.model} took ${times.most}.`;
}

function cheapest(models: readonly ModelSummary[]): string | null {
  const ends = endsOf(models, ({ costPerThousandMicroUsd }) => costPerThousandMicroUsd);
  if (ends === null) return null;
  const { least, most } = ends;
  const usd = { least: formatUsd(least.value), most: formatUsd(most.value) };
  return least.value === 0
    ? `${least.model} cost nothing; ${most.model} came to ${usd.most} USD per 1,000 texts.`
    : `${least.model} was the cheapest at ${usd.least} USD per 1,000 texts; ${most.model} came to ${usd.most}.`;
}

interface Ranked {
  readonly model: string;
  readonly value: number;
}

/** `null`: fewer than two are known, or two are at the top. */
function endsOf(
  models: readonly ModelSummary[],
  valueOf: (model: ModelSummary) => number | null,
): { least: Ranked; most: Ranked } | null {
  const ranked = models
    .map((model) => ({ model: model.model, value: valueOf(model) }))
    .filter((entry): entry is Ranked => entry.value !== null)
    .sort((a, b) => a.value - b.value);
  const [least, second] = ranked;
  const most = ranked.at(-1);
  if (least === undefined || second === undefined || most === undefined) return null;
  return least.value === second.value ? null : { least, most };
}

function failing({ model, asked, written }: ModelSummary): string | null {
  if (written === asked) return null;
  return written === 0 ? `${model} wrote nothing.` : `${model} left ${asked - written} of ${asked} unwritten.`;
}
