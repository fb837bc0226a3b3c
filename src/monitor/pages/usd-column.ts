const DECIMALS = 4;
/** Pico-USD: what is counted. */
const MOST_DECIMALS = 12;
/** A column of less than that all over has as many decimals as its largest amount needs for three digits. */
const SMALL_USD = 0.001;

type WriteUsd = (microUsd: number | null, unpriced?: number) => string;

/**
 * The amounts of one column have the same number of decimals, so that they can be compared at a glance.
 * @param amounts all of them, micro-USD; `null`: unknown
 * @returns writes `$0.0123`, with `+ ?` when the price of a part is not known; `<$0.0001` is not nothing
 */
export function usdColumn(amounts: readonly (number | null)[]): WriteUsd {
  const largest = Math.max(0, ...amounts.map((amount) => (amount ?? 0) / 1e6));
  const decimals =
    largest === 0 || largest >= SMALL_USD ? DECIMALS : Math.min(MOST_DECIMALS, 2 - Math.floor(Math.log10(largest)));
  const least = 10 ** -decimals;
  return (microUsd, unpriced = 0) => {
    if (microUsd === null) return "unknown";
    const usd = microUsd / 1e6;
    const words = usd > 0 && usd < least / 2 ? `<$${least.toFixed(decimals)}` : `$${usd.toFixed(decimals)}`;
    return `${words}${unpriced > 0 ? " + ?" : ""}`;
  };
}
