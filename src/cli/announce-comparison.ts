import { upperBound } from "../compare/estimate.ts";
import type { ComparisonPlan } from "../compare/plan.ts";
import type { Target } from "../compare/targets.ts";
import { composePrices } from "../compose.ts";
import { formatUsd, plural } from "../platform/numbers.ts";
import { requireKeys } from "./require-keys.ts";
import type { Workplace } from "./workplace.ts";

export interface AnnounceOptions {
  readonly worker?: boolean;
  readonly fake?: boolean;
}

/**
 * What is about to happen, and what may go wrong with it.
 * @throws InvalidInputError when this process would call a provider without a key
 */
export function announce(
  plan: ComparisonPlan,
  { worker = false, fake = false }: AnnounceOptions,
  { config }: Workplace,
): void {
  const { missingKeys, catalogue } = config.providers;
  const agents = plan.texts.map((text) => text.agent);
  if (worker) requireKeys(agents, missingKeys);
  const { targets, jobs, texts, name, notes } = plan;
  for (const note of [...notes, ...keyNotes(targets, missingKeys, fake)]) console.error(`note: ${note}`);
  if (targets.length === 1) console.error("note: one model alone: there is nothing to compare it with");
  const most = upperBound(plan, { prices: composePrices(config), catalogue });
  const cost =
    most === null ? ", cost not known" : most === 0 ? "" : `, at most ${formatUsd(most)} USD without retries`;
  const size = `${plural(targets.length, "model")} × ${plural(jobs.length, "job")} = ${plural(texts.length, "text")}`;
  console.error(`comparison ${name}: ${size}${cost}`);
}

function keyNotes(
  targets: readonly Target[],
  missing: ReadonlyMap<string, readonly string[]>,
  isFake: boolean,
): string[] {
  return [...missing].flatMap(([provider, variables]) => {
    const names = variables.join(" or ");
    if (isFake && targets.some((target) => target.provider === "fake" && target.model.startsWith(`${provider}/`)))
      return [`${provider}: no key (${names}): the fake provider takes its place`];
    return targets.some((target) => target.provider === provider)
      ? [`${provider}: no key here (${names}): a worker that has it must be running`]
      : [];
  });
}
