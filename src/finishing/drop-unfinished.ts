/** The end of a sentence, with the quotes and brackets that close after it. */
const SENTENCE_END = /[.!?…][)\]"'”’»]*(?=\s)|[。！？][」』）]*/gu;

/** As much of a text must be left that the rest can stand alone. */
const LEAST_SHARE = 0.3;

/**
 * A text that was cut off in the middle of a sentence, without that sentence; the whole text when little would be left, or
 * when nothing is cut off.
 */
export function dropUnfinished(text: string): string {
  if (/[.!?…。！？][)\]"'”’»」』）]*$/u.test(text)) return text;
  const last = [...text.matchAll(SENTENCE_END)].at(-1);
  if (last === undefined) return text;
  const end = last.index + last[0].length;
  return end >= text.length * LEAST_SHARE ? text.slice(0, end) : text;
}
