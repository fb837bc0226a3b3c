import fc from "fast-check";
import { expect, it } from "vitest";
import { IdSet } from "../../../src/bulk/id-set.ts";

it("does what a map of ids does", () => {
  const entry = fc.tuple(
    fc.oneof(fc.constantFrom("a", "b", "42", ""), fc.string()),
    fc.nat(),
    fc.constantFrom("x", "y"),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 300 }), (entries) => {
      const set = new IdSet();
      const map = new Map<string, { number: number; content: string }>();
      for (const [id, number, content] of entries) {
        const known = map.get(id);
        const expected = known && { number: known.number, isSameContent: known.content === content };
        expect(set.has(id)).toBe(map.has(id));
        expect(set.add(id, number, content)).toEqual(expected);
        if (known === undefined) map.set(id, { number, content });
      }
      expect(set.size).toBe(map.size);
    }),
  );
});

it("holds many ids, and no others", () => {
  const set = new IdSet();
  for (let index = 0; index < 50_000; index++) expect(set.add(`id-${index}`, index)).toBeUndefined();
  expect(set.size).toBe(50_000);
  expect(set.add("id-49999")).toEqual({ number: 49_999, isSameContent: true });
  for (let index = 0; index < 50_000; index += 777) {
    expect(set.has(`id-${index}`)).toBe(true);
    expect(set.has(`other-${index}`)).toBe(false);
  }
});
