import { randomBytes } from "node:crypto";

/** Short enough to be typed, and nobody else's. */
export function runId(): string {
  return `b${randomBytes(5).toString("hex")}`;
}
