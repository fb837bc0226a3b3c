/** Control characters but newline and tab, and bidi controls: both can make a terminal show something else than what is there. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/** Matches what has neither them nor several lines. */
export const VISIBLE_LINE = /^[^\p{Cc}\p{Bidi_Control}]*$/u;

/** The text as a terminal can show it: `\u001b` in place of an escape. */
export function showInvisible(text: string): string {
  return text.replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
