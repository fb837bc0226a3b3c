import twitter from "twitter-text";
import { weightedLength } from "./weighted-length.ts";

/** A sentence must fill so much of the room to be worth more than a cut at a word. */
const LEAST_SHARE = 0.4;
const AT_ENDING = /[.!?…][)\]"'”’»]*$/u;
const AT_ENDING_OF_CJK = /[。！？][」』）]*$/u;
const LONGEST_ENDING = 4;
/** The longest URLs have some 4,000 characters and weigh 23; nothing else weighs as little. */
const MOST_UNITS_PER_WEIGHT = 200;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * A beginning of the text that is no longer than the limit: whole sentences if they fill a good part of it, else whole
 * words, else whole graphemes. It never ends inside a URL, a handle or a hashtag.
 * @param limit as X counts
 */
export function cutText(text: string, limit: number): string {
  const whole = text.trim();
  if (weightedLength(whole) <= limit) return whole;
  const places = cutPlaces(whole).filter((end) => end <= MOST_UNITS_PER_WEIGHT * limit);
  const fitting = places.slice(0, longestFit(whole, places, limit) + 1);
  const end = fitting.at(-1) ?? 0;
  const sentence = fitting.findLast((place) => endsSentence(whole, place)) ?? 0;
  const word = fitting.findLast((place) => /\s/.test(whole.charAt(place))) ?? 0;
  const cut = sentence >= end * LEAST_SHARE ? sentence : word > 0 ? word : end;
  return whole.slice(0, cut).trim();
}

function endsSentence(text: string, place: number): boolean {
  const before = text.slice(Math.max(0, place - LONGEST_ENDING), place);
  return AT_ENDING_OF_CJK.test(before) || (AT_ENDING.test(before) && /^\s?$/.test(text.charAt(place)));
}

/** The last of the places at which the text fits. */
function longestFit(text: string, places: readonly number[], limit: number): number {
  const fits = (index: number): boolean => weightedLength(text.slice(0, places[index]).trim()) <= limit;
  let low = 0;
  let high = places.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  // A longer beginning is not always heavier: half of what will be a URL can weigh more than all of it.
  while (low > 0 && !fits(low)) low--;
  return low;
}

/** Ends of graphemes that are outside of entities, 0 first. */
function cutPlaces(text: string): number[] {
  const inside = entitiesOf(text);
  const places = [0];
  let next = 0;
  for (const { index, segment } of graphemes.segment(text)) {
    const end = index + segment.length;
    while (next < inside.length && (inside[next]?.[1] ?? 0) <= index) next++;
    const [from = Infinity, to = 0] = inside[next] ?? [];
    if (end <= from || end >= to) places.push(end);
  }
  return places;
}

type Span = readonly [from: number, to: number];

/** URLs, handles and hashtags, in order. Indices are UTF-16 units, as of strings. */
function entitiesOf(text: string): Span[] {
  return twitter
    .extractEntitiesWithIndices(text)
    .map(({ indices: [from, to] }): Span => [from, to])
    .sort(([a], [b]) => a - b);
}

/**
 * Cuts a finished text, and finishes what is left: it may end up between quotes that were not around the whole.
 * @returns a text within the limit that finishing does not change
 */
export function cutFinished(text: string, limit: number, finish: (text: string) => string): string {
  for (let result = text; ;) {
    const next = finish(cutText(result, limit));
    if (next === result) return result;
    result = next;
  }
}
