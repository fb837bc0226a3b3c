import { describeValue, isRecord, refusedFirst, type FieldFault, type FieldPath } from "../platform/field-fault.ts";
import { isNestedTooDeeply, isReserved, KEYS_LIVE_ELSEWHERE, RESERVED } from "../platform/refused-names.ts";
import { holdsSecret } from "../platform/secrets.ts";
import { zodFaults } from "../platform/zod-faults.ts";
import { configFileSchema, type ConfigFile } from "./config-file.ts";
import { findUnknownProviders } from "./known-providers.ts";

interface CheckedConfig {
  /** Absent when fields are wrong. */
  readonly data: ConfigFile | undefined;
  readonly faults: readonly FieldFault[];
}

/** Every check runs whatever the others found, so that all faults are reported at once. */
export function checkConfigFile(value: unknown): CheckedConfig {
  if (isNestedTooDeeply(value)) {
    const fault = { path: [], got: "more than 32 nested levels", expected: "at most 32 levels" };
    return { data: undefined, faults: [fault] };
  }
  const { data, error } = configFileSchema.safeParse(value);
  const wrong = [...(error === undefined ? [] : zodFaults(error, value)), ...findUnknownProviders(value)];
  return { data, faults: refusedFirst(findRefused(value), wrong) };
}

/** Reserved names, which zod does not see, and what is a key by its form. Fields may well be called `x-api-key` here. */
function findRefused(value: unknown, path: FieldPath = []): FieldFault[] {
  if (typeof value === "string") {
    return holdsSecret(value) ? [{ path, got: describeValue(value), expected: KEYS_LIVE_ELSEWHERE }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => findRefused(item, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const inside = [...path, name];
    return isReserved(name)
      ? [{ path: inside, got: RESERVED, expected: "a field with another name" }]
      : findRefused(item, inside);
  });
}
