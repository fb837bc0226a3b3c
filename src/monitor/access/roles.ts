import { createHash, timingSafeEqual } from "node:crypto";

/** `viewer`: sees everything, changes nothing. `operator`: may also enqueue, pause, retry, cancel … */
export type Role = "viewer" | "operator";

/** What each role is entered with; `null`: there is no such token. With neither, everybody is an operator. */
export interface AccessTokens {
  readonly operator: string | null;
  readonly viewer: string | null;
}

export function needsToken({ operator, viewer }: AccessTokens): boolean {
  return operator !== null || viewer !== null;
}

/** In constant time: both tokens are compared, whatever the first comparison says. `null`: it is neither. */
export function roleOfToken(given: string, { operator, viewer }: AccessTokens): Role | null {
  const isOperator = isSame(given, operator ?? "");
  const isViewer = isSame(given, viewer ?? "");
  if (isOperator) return "operator";
  return isViewer ? "viewer" : null;
}

/** Whatever the lengths. Nothing is the same as an empty token, which a secret's empty file gives. */
export function isSame(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret)) && secret !== "";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
