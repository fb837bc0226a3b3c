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
  return error.issues.map((issue) => {
    const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
    const known: unknown = issue.code === "custom" ? issue.params?.["got"] : undefined;
    const wrong = issue.code === "invalid_key" ? path.at(-1) : valueAt(value, path);
    return { path, got: typeof known === "string" ? known : describeValue(wrong), expected: expectationOf(issue) };
  });
}

/** Our own messages are expectations already; zod's start with what went wrong. */
function expectationOf({ message }: z.core.$ZodIssue): string {
  return message
    .replace(/^(?:Invalid input|Invalid option|Too small|Too big): expected /, "")
    .replace(/, received .*$/, "");
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (inside, key) => (inside as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}
