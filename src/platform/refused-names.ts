import { holdsSecret } from "./secrets.ts";

/** Deeper than any sensible context or chain of fall-backs. */
const MOST_LEVELS = 32;

/** They change what an object *is* in JavaScript. */
const RESERVED_NAMES = new Set(["__proto__", "constructor", "prototype"]);

/** Matches `api_key`, `apiKey`, `OPENAI-API-KEY`, … once everything but letters is taken out. */
const SECRET_NAME = /apikey|secretkey|privatekey|accesstoken|authtoken|bearertoken|password/;

export const KEYS_LIVE_ELSEWHERE =
  "no key here: keys live in the environment or in mounted files (OPENAI_API_KEY, OPENAI_API_KEY_FILE)";

/** Why a field may have this name nowhere in an agent or a job; `null`: it may. Its value is not shown. */
export function whyNameIsRefused(name: string): { readonly got: string; readonly expected: string } | null {
  if (isReserved(name)) return { got: RESERVED, expected: "a field with another name" };
  const isSecret = holdsSecret(name) || SECRET_NAME.test(name.toLowerCase().replace(/[^a-z]/g, ""));
  return isSecret ? { got: "a field for a secret (its value is not shown)", expected: KEYS_LIVE_ELSEWHERE } : null;
}

export const RESERVED = "a reserved name";

export function isReserved(name: string): boolean {
  return RESERVED_NAMES.has(name);
}

/** Also true of an object that contains itself. */
export function isNestedTooDeeply(value: unknown, levels = MOST_LEVELS): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isNestedTooDeeply(item, levels - 1));
}
