/**
 * Whether a vendor's refusals reach what is sent as `name`. It may name the whole field, a part of it
 * (`stream_options.include_usage`), or what it is a part of (`metadata` where `metadata.user_id` is sent).
 */
export function isOmitted(name: string, omit: readonly string[]): boolean {
  return omit.some((word) => word === name || isInside(word, name) || isInside(name, word));
}

function isInside(part: string, whole: string): boolean {
  return part.startsWith(`${whole}.`) || part.startsWith(`${whole}[`);
}
