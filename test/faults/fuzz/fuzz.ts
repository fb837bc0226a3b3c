import fc from "fast-check";
import { expect, vi } from "vitest";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { ALL_FAULTS } from "../../support/faults/fault-mode.ts";

/* fast-check prints the seed and the smallest input of a failure. */

// Thousands of runs take minutes.
if (ALL_FAULTS) vi.setConfig({ testTimeout: 30 * 60_000 });

/** @param share of the usual number of runs, for what takes long */
export function runs(share = 1): { readonly numRuns: number } {
  return { numRuns: Math.ceil((ALL_FAULTS ? 5000 : 300) * share) };
}

/** In the form of a vendor's key. Whole, it must never be printed. */
export const CANARY = "sk-canary-0123456789abcdefghij";

/** Longer ones are of no use to anybody; a list of all fields of the configuration file has some 300 characters. */
const LONGEST_LINE = 2500;

/** What users are told: short lines, whose every character can be seen, and no secret. */
export function expectShowable(message: string): void {
  expect(message).not.toContain(CANARY);
  for (const line of message.split("\n")) {
    expect(line).toMatch(/^[^\p{Cc}\p{Bidi_Control}]*$/u);
    expect(line.length).toBeLessThanOrEqual(LONGEST_LINE);
  }
}

/**
 * Runs a parser on an input: it may refuse it by its own error alone, and leaves the language as it is.
 * @returns what it made of it; `undefined`: it was refused
 */
export async function parsedBy<T>(parse: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await parse();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInputError);
    const { problems, message } = error as InvalidInputError;
    expect(problems.length).toBeGreaterThan(0);
    for (const { source, got, expected } of problems)
      expect([source !== "", got !== "", expected !== ""]).toEqual([true, true, true]);
    expectShowable(message);
    return undefined;
  } finally {
    expectNothingPolluted();
  }
}

const OWN = Object.getOwnPropertyNames(Object.prototype).sort();

export function expectNothingPolluted(): void {
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(OWN);
}

/** What breaks texts of any kind. */
const SPLINTER = fc.oneof(
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom('"', "'", "\\", ",", ":", ";", "{", "}", "[", "]", "\n", "\r\n", "\r", "\0", "\u202e", "\ud800"),
  fc.constantFrom("\uFEFF", "\u2028", "//", "/*", "#", "%", "@", "=", "-", "0", "1e999", "null", "NaN"),
  fc.constantFrom('"__proto__":{"polluted":1},', '"constructor":1,', "[".repeat(200), "x".repeat(5000)),
);

/** A good text with some of its parts lost, and others where they do not belong. */
export function damaged(good: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const damage = fc.tuple(fc.nat(), fc.nat({ max: 30 }), SPLINTER);
  return fc.tuple(good, fc.array(damage, { maxLength: 5 })).map(([text, damages]) =>
    damages.reduce((rest, [at, lost, splinter]) => {
      const start = at % (rest.length + 1);
      return `${rest.slice(0, start)}${splinter}${rest.slice(start + lost)}`;
    }, text),
  );
}

/** JSON of any shape whose fields are called as they are expected here and there. */
export function jsonWith(names: readonly string[], texts: readonly string[]): fc.Arbitrary<unknown> {
  const name = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "api_key") },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  );
  const leaf = fc.oneof(
    fc.constantFrom(...texts, CANARY, null, true, 0, -1, 1.5, 30_000, 1e300),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      // `fromEntries`, so that `__proto__` is a field like any other.
      fc.array(fc.tuple(name, tie("value")), { maxLength: 8 }).map((entries) => Object.fromEntries(entries)),
    ),
  }));
  return value;
}
