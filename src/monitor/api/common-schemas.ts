import { z } from "zod";
import { ID, ID_CHARACTERS } from "../../job/job-input.ts";
import { documentedAs } from "../../platform/documented-as.ts";
import type { Problem } from "../../platform/problem.ts";
import { strictObject } from "../../platform/zod-faults.ts";
import type { ErrorAnswer } from "../errors.ts";

/** A zod schema for every field of an interface, optional ones included: one that is new is missed by the compiler. */
export type ShapeOf<T> = { readonly [Name in keyof T]-?: z.ZodType };

export const epochMs = z.int().describe("Epoch milliseconds.");
export const share = z.number().min(0).max(1);

const problem: z.ZodType<Problem> = z
  .object({
    source: z.string().describe("Where it stands: path, query, headers, body or job."),
    line: z.int().exactOptional(),
    path: z.string().describe("The field, e.g. `context.topic`; empty: the whole."),
    got: z.string().describe("What was found there, shortened. Never a secret."),
    expected: z.string().describe("What would do."),
  } satisfies ShapeOf<Problem>)
  .meta({ id: "Problem" });

export const errorFields = {
  error: z.string().describe("For people. With `problems` it has a line for each."),
  problems: z.array(problem).exactOptional().describe("Everything that is wrong with what was sent."),
} satisfies ShapeOf<Omit<ErrorAnswer, "status">>;

/** The one shape of all answers that are no success. */
export const errorSchema: z.ZodType<Omit<ErrorAnswer, "status">> = z.object(errorFields).meta({
  id: "Error",
  examples: [
    {
      error: 'job agent: got "adda"; expected one of ada, echo, nori, orbit; did you mean "ada"?',
      problems: [
        {
          source: "job",
          path: "agent",
          got: '"adda"',
          expected: 'one of ada, echo, nori, orbit; did you mean "ada"?',
        },
      ],
    },
  ],
});

/** Ids of jobs and runs, as parts of addresses. */
export const idParams = strictObject({
  id: z.string().regex(ID, { error: ID_CHARACTERS }).describe(`${ID_CHARACTERS}.`),
});

/** An integer of a query, which has texts only. */
export function queryInteger(min: number, max: number, { unit, description }: QueryText) {
  const expected = `${unit}, an integer from ${min} to ${max}`;
  const text = z.string({ error: expected }).regex(/^\d{1,9}$/, { error: expected });
  const integer = text.transform(Number).refine((value) => value >= min && value <= max, { error: expected });
  return documentedAs(integer, { type: "integer", minimum: min, maximum: max, description });
}

interface QueryText {
  /** For messages. */
  readonly unit: string;
  readonly description: string;
}

const LONGEST_WAIT_SECONDS = 60;
export const waitSeconds = queryInteger(0, LONGEST_WAIT_SECONDS, {
  unit: "seconds",
  description: "How long to wait for the result.",
});
