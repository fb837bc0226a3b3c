import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { isRecord, toProblems, type FieldFault } from "../../platform/field-fault.ts";
import { parseJsonDocument } from "../../platform/json-document.ts";
import { InvalidInputError, type Problem } from "../../platform/problem.ts";
import { RESERVED } from "../../platform/refused-names.ts";
import { decodeUtf8 } from "../../platform/utf8.ts";
import { zodFaults } from "../../platform/zod-faults.ts";

/**
 * Checks all parts of a request by its route's schemas, and puts what they make of it in its place.
 * @throws InvalidInputError with every problem of every part
 */
export async function checkRequest(request: FastifyRequest): Promise<void> {
  const { schema } = request.routeOptions;
  if (schema === undefined) return;
  const problems: Problem[] = [];
  const check = (source: string, by: unknown, given: unknown): unknown => {
    if (!(by instanceof z.ZodType)) return given;
    const parsed = by.safeParse(given);
    const faults = [...(parsed.success ? [] : zodFaults(parsed.error, given)), ...hiddenFaults(given, parsed.data)];
    problems.push(...toProblems(faults, { source, lineOf: () => undefined }));
    return parsed.data;
  };
  request.params = check("path", schema.params, request.params);
  request.query = check("query", schema.querystring, request.query);
  check("headers", schema.headers, request.headers);
  // Fastify has null where nothing was sent.
  request.body = check("body", schema.body ?? noBody, request.body ?? undefined);
  if (problems.length > 0) throw new InvalidInputError(problems);
}

/** Some clients send an empty object with every POST. */
const noBody = z.custom((body) => body === undefined || (isRecord(body) && Object.keys(body).length === 0), {
  error: "no body",
});

/** JSON has a field of this name like any other; zod does not see it. What is passed on as it is has its own check. */
function hiddenFaults(given: unknown, taken: unknown): FieldFault[] {
  if (given === taken || !isRecord(given) || !Object.hasOwn(given, "__proto__")) return [];
  return [{ path: ["__proto__"], got: RESERVED, expected: "no such field" }];
}

/** @returns `undefined`: there is nothing. @throws InvalidInputError it is no JSON */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8("body", bytes, "JSON in UTF-8");
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw whyNoJson(text);
  }
}

/** By line, where it can be told. */
function whyNoJson(text: string): unknown {
  try {
    parseJsonDocument("body", text);
  } catch (error) {
    return error;
  }
  const expected = "JSON without comments, and without commas before closing brackets";
  return new InvalidInputError([{ source: "body", path: "", got: "something else", expected }]);
}
