import { closest, distance } from "fastest-levenshtein";

/** More names than this are cut from a message: the suggestion still considers all of them. */
const MOST_NAMES_SHOWN = 24;

/**
 * What was expected when `word` is none of `names`: all of them and, if one is close, that one as a suggestion.
 * `one of openai, grok, fake; did you mean "openai"?`
 */
export function oneOf(word: string, names: Iterable<string>): string {
  const known = [...names];
  if (known.length === 0) return "nothing: there is none";
  const shown = known.slice(0, MOST_NAMES_SHOWN).join(", ");
  const hidden = known.length - MOST_NAMES_SHOWN;
  const list = known.length === 1 ? shown : `one of ${shown}${hidden > 0 ? ` and ${hidden} more` : ""}`;
  const similar = mostSimilar(word, known);
  return similar === undefined ? list : `${list}; did you mean ${JSON.stringify(similar)}?`;
}

/** Case does not count; at most a third of the letters may differ (two in a short word). */
export function mostSimilar(word: string, names: readonly string[]): string | undefined {
  if (word.length > 200) return undefined;
  const lowerCase = word.toLowerCase();
  const byLowerCase = new Map(names.map((name) => [name.toLowerCase(), name]));
  const candidate = closest(lowerCase, [...byLowerCase.keys()]);
  const mostDifferences = Math.max(Math.min(2, word.length - 1), Math.floor(word.length / 3));
  return distance(lowerCase, candidate) <= mostDifferences ? byLowerCase.get(candidate) : undefined;
}
