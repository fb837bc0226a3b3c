import { isRecord, looksLikeSecret, type FieldFault, type FieldPath } from "../platform/field-fault.ts";
import { showValue } from "../platform/problem.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = Readonly<Record<string, JsonValue>>;

/** Deeper than any sensible context. */
const MOST_LEVELS = 32;
const LONGEST_NAME = 128;

/** They change what an object *is* in JavaScript. */
const RESERVED_NAMES = new Set(["__proto__", "constructor", "prototype"]);

/** Matches `api_key`, `apiKey`, `OPENAI-API-KEY`, … once everything but letters is taken out. */
const SECRET_NAME = /apikey|secretkey|privatekey|accesstoken|authtoken|bearertoken|password/;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Also true of an object that contains itself. */
export function isNestedTooDeeply(value: unknown, levels = MOST_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isNestedTooDeeply(item, levels - 1));
}

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
  if (RESERVED_NAMES.has(name)) return [{ path, got: "a reserved name", expected: "a field with another name" }];
  if (looksLikeSecret(name) || SECRET_NAME.test(name.toLowerCase().replace(/[^a-z]/g, ""))) {
    const expected =
      "no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)";
    return [{ path, got: "a field for a secret (its value is not shown)", expected }];
  }
  if (name.length > LONGEST_NAME) {
    return [{ path: parent, got: `a name of ${name.length} characters`, expected: `names of at most ${LONGEST_NAME}` }];
  }
  const wrong = textFaults(name, parent).map((fault) => ({ ...fault, got: `a name with ${fault.got}` }));
  return [...wrong, ...findJsonFaults(value, path)];
}
