import { describeValue, isRecord, looksLikeSecret, type FieldFault, type FieldPath } from "../platform/field-fault.ts";

/** Deeper than any sensible chain of fall-backs. */
const MOST_LEVELS = 32;

/** They change what an object *is* in JavaScript. */
const RESERVED_NAMES = new Set(["__proto__", "constructor", "prototype"]);

/** Matches `api_key`, `apiKey`, `OPENAI-API-KEY`, … once everything but letters is taken out. */
const SECRET_NAME = /apikey|secretkey|privatekey|accesstoken|authtoken|bearertoken|password/;

const KEYS_LIVE_ELSEWHERE =
  "no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)";

/** Also true of an object that contains itself. */
export function isNestedTooDeeply(value: unknown, levels = MOST_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isNestedTooDeeply(item, levels - 1));
}

/** Keys and reserved names, which may stand nowhere in an agent, whatever the field. Shows no value. */
export function findRefusedContent(value: unknown, path: FieldPath = []): FieldFault[] {
  if (typeof value === "string") {
    return looksLikeSecret(value) ? [{ path, got: describeValue(value), expected: KEYS_LIVE_ELSEWHERE }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => findRefusedContent(item, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const fieldPath = [...path, name];
    return refuseName(name, fieldPath) ?? findRefusedContent(item, fieldPath);
  });
}

function refuseName(name: string, path: FieldPath): FieldFault[] | undefined {
  if (RESERVED_NAMES.has(name)) return [{ path, got: "a reserved name", expected: "a field with another name" }];
  const isSecret = looksLikeSecret(name) || SECRET_NAME.test(name.toLowerCase().replace(/[^a-z]/g, ""));
  if (!isSecret) return undefined;
  return [{ path, got: "a field for a secret (its value is not shown)", expected: KEYS_LIVE_ELSEWHERE }];
}
