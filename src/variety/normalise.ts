const ADDRESS = /https?:\/\/\S+/g;
const HANDLE = /@\w{1,15}/g;
/** What is neither letter, mark nor digit: punctuation, emoji, line breaks. */
const BETWEEN_WORDS = /[^\p{L}\p{M}\p{N}]+/gu;

/**
 * What readers would take for the same: the words in lower case. Addresses, handles, punctuation, emoji and white space make
 * no difference. Empty for a text without words.
 */
export function normalise(text: string): string {
  return text
    .normalize("NFKC")
    .replace(ADDRESS, " ")
    .replace(HANDLE, " ")
    .toLowerCase()
    .replace(BETWEEN_WORDS, " ")
    .trim();
}
