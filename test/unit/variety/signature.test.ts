import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalise } from "../../../src/variety/normalise.ts";
import { BINS, SIGNATURE_BYTES, signatureOf } from "../../../src/variety/signature.ts";

function gramsOf(text: string): Set<string> {
  const points = Array.from(text);
  return new Set(points.slice(0, Math.max(1, points.length - 3)).map((_, at) => points.slice(at, at + 4).join("")));
}

function jaccard(a: string, b: string): number {
  const [left, right] = [gramsOf(a), gramsOf(b)];
  const both = [...left].filter((gram) => right.has(gram)).length;
  return both / (left.size + right.size - both);
}

/** As the script in Redis estimates it. */
function estimate(a: string, b: string): number {
  const [left, right] = [signatureOf(a).bytes, signatureOf(b).bytes];
  let same = 0;
  let empty = 0;
  for (let index = 0; index < SIGNATURE_BYTES; index++) {
    const [one = 0, other = 0] = [left[index], right[index]];
    for (const shift of [0, 4]) {
      const nibbles = [(one >> shift) & 0xf, (other >> shift) & 0xf];
      if (nibbles[0] === nibbles[1]) same++;
      if (nibbles[0] === 0 && nibbles[1] === 0) empty++;
    }
  }
  return Math.max(0, ((same - empty) / (BINS - empty) - 1 / 50) / (1 - 1 / 50));
}

const words = fc.array(fc.stringMatching(/^[a-z]{2,9}$/), { minLength: 20, maxLength: 40 });

describe("signatures", () => {
  it("tell how much two texts have in common", () => {
    fc.assert(
      fc.property(words, words, fc.double({ min: 0, max: 1, noNaN: true }), (all, others, share) => {
        const kept = Math.round(all.length * share);
        const one = all.join(" ");
        const other = [...all.slice(0, kept), ...others.slice(kept)].join(" ");
        expect(Math.abs(estimate(one, other) - jaccard(one, other))).toBeLessThan(0.16);
      }),
      { numRuns: 300 },
    );
  });

  it("share a band nearly always when texts are much alike, and seldom when they have little in common", () => {
    const counts = { alike: 0, alikeFound: 0, unlike: 0, unlikeFound: 0 };
    fc.assert(
      fc.property(words, words, fc.nat(), (all, others, seed) => {
        const changed = [...all];
        changed[seed % all.length] = others[seed % others.length] ?? "x";
        const [one, near, far] = [all.join(" "), changed.join(" "), others.join(" ")];
        const bands = new Set(signatureOf(one).bands);
        const found = (text: string): number => Number(signatureOf(text).bands.some((band) => bands.has(band)));
        if (jaccard(one, near) >= 0.75) {
          counts.alike += 1;
          counts.alikeFound += found(near);
        }
        if (jaccard(one, far) < 0.2) {
          counts.unlike += 1;
          counts.unlikeFound += found(far);
        }
      }),
      { numRuns: 500 },
    );
    expect(counts.alike).toBeGreaterThan(300);
    expect(counts.alikeFound / counts.alike).toBeGreaterThan(0.98);
    expect(counts.unlikeFound / counts.unlike).toBeLessThan(0.05);
  });

  it("are the same in every process and version", () => {
    expect(signatureOf("looms came first").bytes.subarray(16, 32).toString("hex")).toBe(
      "00000000000000000000000030007000",
    );
    expect(signatureOf("looms came first").bands.slice(0, 2)).toEqual([1424658284, 1951266819]);
  });

  it("take code points as characters", () => {
    expect(estimate("織布機先出現它們讀卡片上的孔", "織布機先出現它們讀卡片上的孔")).toBe(1);
    expect(estimate("織布機先出現它們讀卡片上的孔", "沒有人問過打字機是否介意詩歌")).toBeLessThan(0.2);
  });
});

describe("normalising", () => {
  it.each([
    ["Looms came FIRST!", "looms came first"],
    ["  looms\ncame\tfirst 🎉", "looms came first"],
    ["@ada looms came first https://a.co/x", "looms came first"],
    ["#Looms came first…", "looms came first"],
    ["ﬁrst ＬＯＯＭＳ", "first looms"],
    ["織布機，先出現。", "織布機 先出現"],
    ["हिन्दी", "हिन्दी"],
    ["🎉🎉🎉", ""],
    ["!?…", ""],
  ])("%j is %j", (text, normalised) => {
    expect(normalise(text)).toBe(normalised);
  });
});
