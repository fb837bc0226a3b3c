/*
 * Characters that no post should have: controls, halves of surrogate pairs, invisible marks that hide or turn text around.
 * Marks that languages need stay: the joiners of emoji and of Indic and Arabic scripts, the marks U+200E and U+200F.
 */

/** C0 and C1 without tab and line breaks, noncharacters, zero width space, word joiner, byte order mark. */
const REMOVED =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2060\ufeff\ufdd0-\ufdef\ufffe\uffff]/g;
/** Embeddings, overrides and isolates of writing direction. */
const BIDI_CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g;
const LONE_SURROGATE = /\p{Surrogate}/gu;

export function removeInvalidCharacters(text: string): string {
  return text.replace(LONE_SURROGATE, "").replace(REMOVED, "").replace(BIDI_CONTROLS, "");
}

/** Posts know line feeds and spaces. */
export function plainWhitespace(text: string): string {
  return text.replace(/\r\n?|[\u2028\u2029]/g, "\n").replace(/\t/g, " ");
}
