import { createHash } from "node:crypto";

/** Numbers that follow from the seed alone: the same parts give the same sequence, on every machine. */
export interface SeededRandom {
  /** 0 ≤ x < 1 */
  next(): number;
  /** One of them, all equally likely. */
  pick<T>(items: readonly [T, ...T[]]): T;
}

export function seededRandom(...parts: readonly string[]): SeededRandom {
  let state = createHash("sha256").update(JSON.stringify(parts)).digest().readUInt32LE(0);
  const next = (): number => {
    // mulberry32 (public domain): small, and even enough for choosing phrases.
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, pick: (items) => items[Math.floor(next() * items.length)] ?? items[0] };
}
