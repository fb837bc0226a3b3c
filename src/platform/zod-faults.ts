import { z } from "zod";
import { describeValue, type FieldFault, type FieldPath } from "./field-fault.ts";
import { oneOf } from "./one-of.ts";

/**
 * Like `z.strictObject`, but with one issue per unknown field, so that each gets its own suggestion.
 * @param expected what messages say of a value that is no object
 */
export function strictObject<Shape extends z.core.$ZodShape>(
  shape: Shape,
  expected = "an object",
): z.ZodObject<Shape, z.core.$strict> {
  const unknownField = z.custom(() => false, {
    error: (issue) => oneOf(String(issue.path?.at(-1)), Object.keys(shape)),
    params: { got: "an unknown field" },
  });
  return z.object(shape, { error: expected }).catchall(unknownField);
}

/**
 * Zod's issues as "got X; expected <message>". A custom issue may say what it got in `params.got`; values are described
 * without showing what looks like a secret.
 */
export function zodFaults(error: z.core.$ZodError, value: unknown): FieldFault[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ path: [...path, key], got: "an unknown field", expected: "no such field" }));
    }
    const known: unknown = issue.code === "custom" ? issue.params?.["got"] : undefined;
    const wrong = issue.code === "invalid_key" ? path.at(-1) : valueAt(value, path);
    return [{ path, got: typeof known === "string" ? known : describeValue(wrong), expected: expectationOf(issue) }];
  });
}

/** A schema's own messages are expectations already; zod's start with what went wrong. */
function expectationOf(issue: z.core.$ZodIssue): string {
  if (!/^(?:Invalid input|Invalid option|Too small|Too big): expected /.test(issue.message)) {
    return issue.message.replace(/^Invalid /, "a valid ");
  }
  switch (issue.code) {
    case "invalid_type":
      return KIND_NAMES[issue.expected] ?? `a ${issue.expected}`;
    case "too_small":
      return `${SIZE_NAMES[issue.origin] ?? "a number"} ${issue.inclusive === true ? "of at least" : "above"} ${issue.minimum}`;
    case "too_big":
      return `${SIZE_NAMES[issue.origin] ?? "a number"} ${issue.inclusive === true ? "of at most" : "below"} ${issue.maximum}`;
    default:
      return issue.message.replace(/^[^:]+: expected /, "");
  }
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "an integer",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "text",
};

/** What a minimum or maximum is of. */
const SIZE_NAMES: Readonly<Record<string, string>> = { array: "a list with a length", string: "text with a length" };

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (inside, key) => (inside as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}
