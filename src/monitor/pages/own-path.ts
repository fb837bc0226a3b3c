/** Nobody is sent to another site from here: `//evil.example` and `/\evil.example` would be one. */
export function ownPath(path: unknown): string {
  return typeof path === "string" && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : "/";
}
