/* What models put around a text: labels, quotation marks, a count of characters, the handle of the agent itself. */

const POST = "(?:tweets?|posts?|repl(?:y|ies)|response|thread|quote(?: tweet)?|draft|version)";
/** "Sure! Here's a tweet about looms:" */
const INTRODUCTION = new RegExp(
  `^(?:(?:sure|certainly|of course|absolutely|okay|ok|great|got it)\\b[^\\n:]{0,40}[!.,—–-]\\s*)?` +
    `(?:here(?:['’]s| is| are)|below is|this is)\\b[^\\n:]{0,80}\\b${POST}\\b[^\\n:]{0,80}:\\s*`,
  "i",
);
/** "**Tweet:** …", "Draft 1: …", "Shortened version: …", also in German, Spanish and French. */
const LABEL = new RegExp(
  `^(?:\\*{1,2}|_{1,2}|#{1,4} )?(?:(?:my|new|final|shortened|shorter|revised|rewritten|updated) )?` +
    `(?:tweet|post|reply|response|quote tweet|draft|version|antwort|beitrag|entwurf|respuesta|borrador|réponse|brouillon)` +
    `(?: ?#?\\d{1,2}(?: ?\\/ ?\\d{1,2})?)?(?:\\*{1,2}|_{1,2})? ?:(?:\\*{1,2}|_{1,2})?\\s+`,
  "i",
);
/** "(278 characters)" */
const COUNT =
  /\s*[([]\s*(?:character count: ?|characters: ?)?\d{1,5}(?:\s*\/\s*\d{1,5})?(?: characters| chars)?\s*[)\]]$/i;
const IS_COUNT_OF_CHARACTERS = /character|chars/i;

export function removeLabel(text: string): string {
  const whole = text.replace(INTRODUCTION, "").replace(LABEL, "").replace(COUNT, keptUnlessOfCharacters);
  return whole.trim() === "" ? text : whole;
}

/** "(1984)" is no count. */
function keptUnlessOfCharacters(count: string): string {
  return IS_COUNT_OF_CHARACTERS.test(count) ? "" : count;
}

const PAIRS: readonly (readonly [open: string, close: string])[] = [
  ['"', '"'],
  ["“", "”"],
  ["„", "“"],
  ["„", "”"],
  ["«", "»"],
  ["»", "«"],
  ["‘", "’"],
  ["「", "」"],
  ["『", "』"],
];
const SINGLE = /^'(?:[^']|(?<=\p{L})'(?=\p{L}))+'$/u;

/** Only a pair around the whole text: “A” and “B” keep theirs. */
export function removeQuotes(text: string): string {
  const inner = text.slice(1, -1);
  const isQuoted = PAIRS.some(
    ([open, close]) =>
      text.length > 1 &&
      text.startsWith(open) &&
      text.endsWith(close) &&
      !inner.includes(open) &&
      !inner.includes(close),
  );
  return isQuoted || SINGLE.test(text) ? inner.trim() : text;
}

const LEADING_HANDLES = /^(?:@\w{1,15}\s+)+/;

/** A reply that begins with the agent's own handle answers itself. */
export function removeOwnHandle(text: string, ownHandles: readonly string[]): string {
  const leading = LEADING_HANDLES.exec(text)?.[0];
  if (leading === undefined) return text;
  const own = new Set(ownHandles.map((handle) => `@${handle.toLowerCase()}`));
  const kept = leading.match(/@\w{1,15}\s+/g)?.filter((handle) => !own.has(handle.trim().toLowerCase())) ?? [];
  return kept.join("") + text.slice(leading.length);
}
