import twitter from "twitter-text";
import { describe, expect, it } from "vitest";
import { postParts } from "../../../src/finishing/post-parts.ts";
import { weightedLength } from "../../../src/finishing/weighted-length.ts";

const WORDS = "Looms came first. https://example.com/a/long/path 織機 👩‍🔬 #looms @ada naïve";

describe("the length of a long text", () => {
  it("is what twitter-text says, although it is counted in pieces", () => {
    for (const times of [1, 10, 20, 40]) {
      const text = Array.from({ length: times }, (_, index) => `${WORDS} ${index}`).join("\n");
      expect(weightedLength(text)).toBe(twitter.parseTweet(text).weightedLength);
    }
  });

  it("does not take the square of its time: no white space, and every piece could be a domain", () => {
    const text = `${"a-".repeat(50_000)}.co`;
    expect(weightedLength(text)).toBeGreaterThan(90_000);
    expect(postParts(text)).toEqual([{ text, isLink: false }]);
  });
});

it("the parts of a post are its text, and X would make links of some", () => {
  const parts = postParts(WORDS);
  expect(parts.map(({ text }) => text).join("")).toBe(WORDS);
  expect(parts.filter(({ isLink }) => isLink).map(({ text }) => text)).toEqual([
    "https://example.com/a/long/path",
    "#looms",
    "@ada",
  ]);
});
