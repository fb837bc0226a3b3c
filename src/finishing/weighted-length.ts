import twitter from "twitter-text";

/** Text in which every character counts 1, and in which there can be no URL: no dot, no colon. */
const PLAIN = /^[\x20-\x2d\x2f-\x39\x3b-\x7e\n]*$/;

/**
 * The length as X counts it: a URL is 23, an emoji or a CJK character 2, most other characters 1.
 * Source: twitter-text, configuration 3.
 */
export function weightedLength(text: string): number {
  // What twitter-text would say too, at a hundredth of the time.
  if (PLAIN.test(text)) return text.length;
  return twitter.parseTweet(text).weightedLength;
}
