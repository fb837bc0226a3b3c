import { describeValue, isRecord, type FieldFault, type FieldPath } from "../platform/field-fault.ts";
import { KEYS_LIVE_ELSEWHERE, whyNameIsRefused } from "../platform/refused-names.ts";
import { holdsSecret } from "../platform/secrets.ts";

/** Keys and reserved names, which may stand nowhere in an agent, whatever the field. Shows no value. */
export function findRefusedContent(value: unknown, path: FieldPath = []): FieldFault[] {
  if (typeof value === "string") {
    return holdsSecret(value) ? [{ path, got: describeValue(value), expected: KEYS_LIVE_ELSEWHERE }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => findRefusedContent(item, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const fieldPath = [...path, name];
    const refused = whyNameIsRefused(name);
    return refused === null ? findRefusedContent(item, fieldPath) : [{ path: fieldPath, ...refused }];
  });
}
