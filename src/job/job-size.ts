import type { FieldFault } from "../platform/field-fault.ts";
import type { Problem } from "../platform/problem.ts";

/** The largest job accepted, as UTF-8 bytes of its JSON. */
const MAX_JOB_BYTES = 256 * 1024;
const EXPECTED = `at most ${MAX_JOB_BYTES} bytes (256 KiB)`;

/** @param slackBytes how much larger it may be */
export function sizeFaults(input: unknown, slackBytes = 0): FieldFault[] {
  const bytes = jsonBytes(input);
  if (bytes <= MAX_JOB_BYTES + slackBytes) return [];
  return [{ path: [], got: `${bytes} bytes`, expected: EXPECTED }];
}

/** Whether it is the size of a job that is wrong. */
export function isOfSize({ path, expected }: Pick<Problem, "path" | "expected">): boolean {
  return path === "" && expected === EXPECTED;
}

/** 0 for what has no JSON, such as a bigint: `findJsonFaults` says where it is. */
function jsonBytes(input: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(input) ?? "");
  } catch {
    return 0;
  }
}
