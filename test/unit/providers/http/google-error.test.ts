import { expect, it } from "vitest";
import { googleParameter, untilMidnightPacific } from "../../../../src/providers/http/google-error.ts";

const HOUR_MS = 3_600_000;

it.each([
  ["winter", "2026-11-23T12:00:00Z", 20 * HOUR_MS],
  ["summer", "2026-07-01T12:00:00Z", 19 * HOUR_MS],
  ["the last millisecond of a day", "2026-11-24T07:59:59.999Z", 1],
  ["midnight itself", "2026-11-24T08:00:00Z", 24 * HOUR_MS],
  ["before summer time begins: a day of 23 hours", "2026-03-08T08:30:00Z", 22.5 * HOUR_MS],
  ["after it began", "2026-03-08T12:00:00Z", 19 * HOUR_MS],
  ["before it ends: a day of 25 hours", "2026-11-01T07:30:00Z", 24.5 * HOUR_MS],
  ["after it ended", "2026-11-01T12:00:00Z", 20 * HOUR_MS],
])("midnight in Los Angeles, %s", (_, now, expected) => {
  expect(untilMidnightPacific(Date.parse(now))).toBe(expected);
});

it.each([
  ["400", "Thinking is not supported for this model.", "thinkingConfig"],
  ["400 invalid_argument", "Thinking is not enabled for models/gemini-2.0-flash", "thinkingConfig"],
  ["invalid_request_error", "thinking is not supported on this model", "thinking"],
  ["", "thinking is not supported on this model", "thinking"],
  ["400", "Budget 0 is invalid. This model only works in thinking mode.", "thinkingConfig"],
  ["400", "Penalty is not enabled for models/gemini-2.5-pro", "frequency_penalty"],
  ["400", "messages: thinking of nothing", null],
])("with the code %j, %j refuses %s", (codes, message, expected) => {
  expect(googleParameter({ codes, message })).toBe(expected);
});
