import fc from "fast-check";
import twitter from "twitter-text";
import { describe, expect, it } from "vitest";
import { cutText } from "../../../src/finishing/cut-text.ts";
import { weightedLength } from "../../../src/finishing/weighted-length.ts";
import { anyText } from "./texts.ts";

const SENTENCES = "Looms came first. They read holes in cards. Nobody asked what they made of it.";

describe("a text that is too long is cut", () => {
  it.each([
    ["at the last sentence that fits", SENTENCES, 50, "Looms came first. They read holes in cards."],
    [
      "at a sentence that ends in a quotation",
      "“Is it?” she asked. “It is!” And then there was none",
      40,
      "“Is it?” she asked. “It is!”",
    ],
    [
      "not at a dot inside of something",
      "Version 3.14159 of the loom was the last one that had a name",
      30,
      "Version 3.14159 of the loom",
    ],
    [
      "at a word when the sentence would leave little",
      "No. The rest of this text has no end that anybody could find",
      40,
      "No. The rest of this text has no end",
    ],
    ["at a grapheme when there are no words", "👩🏽‍🚀".repeat(10), 7, "👩🏽‍🚀".repeat(3)],
    [
      "before a URL that does not fit",
      "Read it all here https://example.com/a-very-long-path now",
      30,
      "Read it all here",
    ],
    [
      "after a URL that fits, however long it is",
      `See https://example.com/${"x".repeat(300)} for all the rest of it`,
      30,
      `See https://example.com/${"x".repeat(300)}`,
    ],
    ["before a handle", "Thank you so much for it @ada_lovelace_1815", 30, "Thank you so much for it"],
    ["before a hashtag", "Thank you so much for it #looming_looms", 30, "Thank you so much for it"],
    ["as CJK counts", "织布机先出现。它们读卡片上的孔。没有人问过它们。", 34, "织布机先出现。它们读卡片上的孔。"],
  ])("%s", (_, text, limit, expected) => {
    expect(cutText(text, limit)).toBe(expected);
  });

  it("and is nothing when not even its beginning fits", () => {
    expect(cutText("https://example.com/x", 10)).toBe("");
  });

  it("within a time that does not explode with its length", () => {
    for (const piece of ["[", "word ", "@a ", "https://a.co/x ", "👩🏽‍🚀", "*a ", '"', ". "]) {
      expect(weightedLength(cutText(piece.repeat(Math.ceil(262_144 / piece.length)), 280))).toBeLessThanOrEqual(280);
    }
  });
});

describe("whatever the text, what is left", () => {
  const anyLimit = fc.integer({ min: 1, max: 300 });

  it("fits, is well-formed if the text was, and is a part of it", () => {
    fc.assert(
      fc.property(anyText, anyLimit, (text, limit) => {
        const cut = cutText(text, limit);
        expect(weightedLength(cut)).toBeLessThanOrEqual(limit);
        if (text.isWellFormed()) expect(cut.isWellFormed()).toBe(true);
        expect(text.trim().startsWith(cut)).toBe(true);
        expect(cutText(cut, limit)).toBe(cut);
      }),
    );
  });

  it("ends neither inside a URL, a handle or a hashtag nor inside a grapheme", () => {
    const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
    fc.assert(
      fc.property(anyText, anyLimit, (text, limit) => {
        const whole = text.trim();
        const end = cutText(text, limit).length;
        const entities = twitter.extractEntitiesWithIndices(whole) as { indices: [number, number] }[];
        expect(entities.filter(({ indices: [from, to] }) => from < end && end < to)).toEqual([]);
        if (end < whole.length) expect(segmenter.segment(whole).containing(end)?.index).toBe(end);
      }),
    );
  });
});

describe("the weighted length", () => {
  it.each([
    ["", 0],
    ["Looms came first.", 17],
    ["漢字", 4],
    ["😀", 2],
    ["👩🏽‍🚀", 2],
    ["1️⃣", 2],
    ["e\u0301", 1],
    ["https://example.com/a/very/long/path/that/goes/on", 23],
    ["see example.com", 4 + 23],
    ["node.js", 7],
    ["@ada #looms", 11],
  ])("of %j is %i", (text, length) => {
    expect(weightedLength(text)).toBe(length);
  });

  it("is what twitter-text says, also where it is not asked", () => {
    const plain = fc.string({ unit: fc.constantFrom(...Array.from("abc XYZ 019 ,;!?-_@#$%&*()[]{}<>/\\\"'`~^|+=\n")) });
    fc.assert(
      fc.property(plain, (text) => {
        expect(weightedLength(text)).toBe(twitter.parseTweet(text).weightedLength);
      }),
    );
  });
});
