/*
 * X shows markdown as it stands. What is plainly meant as such is taken out; what only looks like it (hashtags, snake_case,
 * 2*3*4, shrugs, *waves* at the beginning of a line) stays. Lengths are bounded, so that every pattern takes linear time.
 */

/** A whole text between fences, with the name of a language or without. */
const FENCED = /^(`{3,}|~{3,})[^\n`]{0,40}\n([\s\S]*?)\n?\1$/;
const REPLACED: readonly (readonly [pattern: RegExp, by: string | ((...match: string[]) => string)])[] = [
  [/^[ ]{0,3}#{1,6}[ ]+/gm, ""],
  [/^[ ]{0,3}(?:-{3,}|\*{3,}|_{3,})[ ]*$\n?/gm, ""],
  [/^[ ]{0,3}>[ ]+/gm, ""],
  [/!?\[([^[\]\n]{1,300})\]\((https?:\/\/[^\s()]{1,2000})\)/g, (_, label = "", url = "") => linkText(label, url)],
  [/(?<![\w*])\*\*(?=[^\s*])([^*\n]{1,1000})(?<=[^\s*])\*\*(?![\w*])/g, "$1"],
  [/(?<![\w_])__(?=[^\s_])([^_\n]{1,1000})(?<=[^\s_])__(?![\w_])/g, "$1"],
  [/(?<=[\p{L}\p{N},;:][ ])\*(?=[^\s*])([^*\n]{1,300})(?<=[^\s*])\*(?![\w*])/gu, "$1"],
  [/(?<!`)`([^`\n]{1,300})`(?!`)/g, "$1"],
];

export function removeMarkdown(text: string): string {
  const unfenced = FENCED.exec(text)?.[2] ?? text;
  return REPLACED.reduce((result, [pattern, by]) => result.replace(pattern, by as string), unfenced);
}

function linkText(label: string, url: string): string {
  return label === url ? url : `${label} ${url}`;
}
