/**
 * What looks like a secret: keys of vendors and of the places where programs live, tokens, private keys. Long enough that
 * words such as `sk-learn` are none.
 */
const KEY_LIKE: readonly RegExp[] = [
  /(?<![\w-])(?:sk|xai|pk|rk)[-_](?=[\w-]*\d)[\w-]{16,}/i,
  /(?<!\w)AIza[\w-]{30,}/,
  /(?<!\w)(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)/,
  /(?<!\w)(?:gh[opsur]_|github_pat_|glpat-|xox[abprs]-|npm_)[\w-]{16,}/,
  /(?<!\w)Bearer\s+(?=\S*\d)[\w.~+/-]{20,}/i,
  /(?<!\w)eyJ[\w-]{10,}\.eyJ[\w-]{10,}\./,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /(?<!\w)rediss?:\/\/[^\s/@]*:[^\s/@]+@/i,
];

const SHOWN_CHARACTERS = 4;

/** @returns how it begins, which gives nothing away; `null`: there is nothing of the kind */
export function beginningOfKey(text: string): string | null {
  for (const pattern of KEY_LIKE) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return found.slice(0, SHOWN_CHARACTERS);
  }
  return null;
}
