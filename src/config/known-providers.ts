import type { z } from "zod";
import { oneOf } from "../platform/one-of.ts";
import { PROVIDERS } from "../providers/registry.ts";
import type { ConfigFile } from "./config-file.ts";

const SHIPPED = PROVIDERS.map(({ id }) => id);

/** Every place of the file that names a provider names one that is shipped, or an endpoint of the file itself. */
export function refuseUnknownProviders(file: Partial<ConfigFile>, context: z.RefinementCtx): void {
  const own = namesIn(file.endpoints);
  const known = new Set([...SHIPPED, ...own]);
  for (const { path, name } of providersNamed(file)) {
    if (known.has(name)) continue;
    const params = path.at(-1) === name ? { got: "an unknown provider" } : {};
    context.addIssue({ code: "custom", path, message: oneOf(name, known), params });
  }
  for (const name of own.filter((given) => SHIPPED.includes(given))) {
    const params = { got: "the name of a provider that is there already" };
    context.addIssue({ code: "custom", path: ["endpoints", name], message: "a name of its own", params });
  }
}

interface NamedProvider {
  readonly path: (string | number)[];
  readonly name: string;
}

/** Also in a file in which other things are wrong, whose values can be anything. */
function providersNamed({ limits, limitGroups, budgets, prices, models }: Partial<ConfigFile>): NamedProvider[] {
  const keys = (value: unknown, ...path: string[]): NamedProvider[] =>
    namesIn(value).map((name) => ({ path: [...path, name], name }));
  const entries = (list: unknown, ...path: string[]): NamedProvider[] =>
    (Array.isArray(list) ? list : []).flatMap((entry: { provider?: unknown } | null, index) =>
      typeof entry?.provider === "string" ? [{ path: [...path, index, "provider"], name: entry.provider }] : [],
    );
  return [
    ...entries(limits, "limits"),
    ...keys(limitGroups, "limitGroups"),
    ...keys(budgets?.providerUsdPerDay, "budgets", "providerUsdPerDay"),
    ...entries(prices, "prices"),
    ...entries(models?.families, "models", "families"),
    ...entries(models?.models, "models", "models"),
  ];
}

function namesIn(value: unknown): string[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}
