import { isRecord, type FieldFault, type FieldPath } from "../platform/field-fault.ts";
import { showValue } from "../platform/problem.ts";
import { whyNameIsRefused } from "../platform/refused-names.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = Readonly<Record<string, JsonValue>>;

const LONGEST_NAME = 128;

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * What in a value is no JSON, or must not travel with a job: keys, reserved names, characters that vendors and Redis
 * refuse. Shows no value that may be a secret. Not for values that are nested too deeply.
 */
export function findJsonFaults(value: unknown, path: FieldPath = []): FieldFault[] {
  switch (typeof value) {
    case "boolean":
      return [];
    case "number":
      return Number.isFinite(value) ? [] : [{ path, got: String(value), expected: "a finite number" }];
    case "string":
      return textFaults(value, path);
    case "object":
      if (value === null) return [];
      if (Array.isArray(value))
        return Array.from(value).flatMap((item, index) => findJsonFaults(item, [...path, index]));
      if (isPlainObject(value)) return Object.entries(value).flatMap((entry) => fieldFaults(entry, path));
      return [{ path, got: `an object of class ${value.constructor.name}`, expected: "plain JSON" }];
    default:
      return [
        {
          path,
          got: showValue(value),
          expected: "a JSON value: text, a number, true, false, null, a list or an object",
        },
      ];
  }
}

/** Made by `{…}`, `JSON.parse` or `Object.create(null)`, in whatever realm. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function textFaults(text: string, path: FieldPath): FieldFault[] {
  const expected = "text without NUL or lone surrogates";
  const nul = text.indexOf("\0");
  if (nul !== -1) return [{ path, got: `NUL at offset ${nul}`, expected }];
  const surrogate = text.search(LONE_SURROGATE);
  return surrogate === -1 ? [] : [{ path, got: `a lone surrogate at offset ${surrogate}`, expected }];
}

function fieldFaults([name, value]: [string, unknown], parent: FieldPath): FieldFault[] {
  // JSON leaves it out.
  if (value === undefined) return [];
  const path = [...parent, name];
  const refused = whyNameIsRefused(name);
  if (refused !== null) return [{ path, ...refused }];
  if (name.length > LONGEST_NAME) {
    return [{ path: parent, got: `a name of ${name.length} characters`, expected: `names of at most ${LONGEST_NAME}` }];
  }
  const wrong = textFaults(name, parent).map((fault) => ({ ...fault, got: `a name with ${fault.got}` }));
  return [...wrong, ...findJsonFaults(value, path)];
}
