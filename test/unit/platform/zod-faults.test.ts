import { describe, expect, it } from "vitest";
import { z } from "zod";
import { strictObject, zodFaults } from "../../../src/platform/zod-faults.ts";

/** `path: got X; expected Y` for each fault. */
function faultsOf(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  if (error === undefined) return [];
  return zodFaults(error, value).map(
    ({ path, got, expected }) => `${path.join(".")}: got ${got}; expected ${expected}`,
  );
}

describe("strictObject", () => {
  const schema = strictObject({ temperature: z.number().optional(), model: z.string().optional() });

  it("takes what it knows", () => {
    expect(schema.parse({ temperature: 1 })).toEqual({ temperature: 1 });
  });

  it("has an issue for each unknown field, with a suggestion where one is close", () => {
    expect(faultsOf(schema, { temprature: 1, modle: 2, shoe_size: 43 })).toEqual([
      'temprature: got an unknown field; expected one of temperature, model; did you mean "temperature"?',
      'modle: got an unknown field; expected one of temperature, model; did you mean "model"?',
      "shoe_size: got an unknown field; expected one of temperature, model",
    ]);
  });

  it.each(["toString", "constructor", "hasOwnProperty"])("treats the inherited name %s as unknown", (name) => {
    expect(faultsOf(schema, { [name]: 1 })).toEqual([
      `${name}: got an unknown field; expected one of temperature, model`,
    ]);
  });

  it("says what it wants instead of something that is no object", () => {
    expect(faultsOf(schema, [])).toEqual([": got a list; expected an object"]);
    expect(faultsOf(strictObject({}, "a message"), 7)).toEqual([": got 7; expected a message"]);
  });
});

describe("zodFaults", () => {
  it.each([
    ["a type", z.string(), 1, "got 1; expected text"],
    ["a number", z.number(), "1", 'got "1"; expected a number'],
    ["an integer", z.int(), 1.5, "got 1.5; expected an integer"],
    ["a boolean", z.boolean(), 0, "got 0; expected true or false"],
    ["a list", z.array(z.string()), {}, "got an object; expected a list"],
    ["a record", z.record(z.string(), z.string()), [], "got a list; expected an object"],
    ["a minimum", z.number().min(1), 0, "got 0; expected a number of at least 1"],
    ["a positive number", z.number().positive(), 0, "got 0; expected a number above 0"],
    ["a maximum", z.number().max(1), 2, "got 2; expected a number of at most 1"],
    ["a length", z.string().min(1), "", 'got ""; expected text with a length of at least 1'],
    ["a shortest list", z.array(z.string()).min(1), [], "got a list; expected a list with a length of at least 1"],
    ["a choice", z.enum(["a", "b"]), "c", 'got "c"; expected one of "a"|"b"'],
    ["a form", z.iso.date(), "x", 'got "x"; expected a valid ISO date'],
    ["a schema's own message", z.number({ error: "degrees" }), "x", 'got "x"; expected degrees'],
  ])("words %s as an expectation", (_, schema, value, fault) => {
    expect(faultsOf(z.object({ a: schema }), { a: value })).toEqual([`a: ${fault}`]);
  });

  it("names fields that are missing, and each one that should not be there", () => {
    expect(faultsOf(z.strictObject({ a: z.string() }), { b: 1, c: 2 })).toEqual([
      "a: got nothing; expected text",
      "b: got an unknown field; expected no such field",
      "c: got an unknown field; expected no such field",
    ]);
  });

  it("shows what a custom issue says that it got", () => {
    const schema = z.string().superRefine((_, context) => {
      context.addIssue({ code: "custom", message: "text without NUL", params: { got: "NUL at offset 3" } });
    });
    expect(faultsOf(z.object({ a: z.object({ b: schema }) }), { a: { b: "canary" } })).toEqual([
      "a.b: got NUL at offset 3; expected text without NUL",
    ]);
  });

  it("shows the name where a name is wrong", () => {
    const schema = z.record(z.string().regex(/^\d+$/, { error: "digits" }), z.number(), { error: "digits as names" });
    expect(faultsOf(z.object({ bias: schema }), { bias: { word: 1 } })).toEqual([
      'bias.word: got "word"; expected digits as names',
    ]);
  });

  it("shows no secret, and nothing of what may hold one", () => {
    const key = "sk-proj-abcdefghijklmnop1234567890";
    expect(
      faultsOf(z.object({ a: z.number(), b: z.number(), c: z.number() }), { a: key, b: { key }, c: [key] }),
    ).toEqual([
      "a: got what looks like a key (not shown); expected a number",
      "b: got an object; expected a number",
      "c: got a list; expected a number",
    ]);
  });
});
