import type { ProviderId } from "../providers/provider.ts";

/** Models come with jobs, and there is no other end to how many are remembered. */
const MOST_REMEMBERED = 1000;

type Find<Found> = (provider: ProviderId, model: string) => Found;

/** Finds each model once, and anew when so many others were asked for that it was forgotten. */
export function remembered<Found>(find: Find<Found>): Find<Found> {
  const known = new Map<string, { readonly found: Found }>();
  return (provider, model) => {
    const key = `${provider}/${model}`;
    const earlier = known.get(key);
    if (earlier !== undefined) return earlier.found;
    const found = find(provider, model);
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(key, { found });
    return found;
  };
}
