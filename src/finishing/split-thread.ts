/** A line that separates posts: dashes, stars or the like, and nothing else. */
const SEPARATOR = /^[ \t]*(?:-{3,}|\*{3,}|_{3,}|={3,}|—{2,})[ \t]*$/m;
const BLANK_LINES = /\n[ \t]*\n\s*/;
/** "1/5", "(2/5)", "3.", "4)", "Tweet 5:", "**Post 1**:" at the beginning of a post. */
const NUMBER =
  /^(?:[*_]{1,2})?(?:(?:tweet|post|part)\s*#?\d{1,2}(?:\s*(?:\/|of)\s*\d{1,2})?|[([]?\d{1,2}\s*\/\s*\d{1,2}[)\]]?|\d{1,2}[.)])(?:[*_]{1,2})?\s*[:.–—-]?(?:[*_]{1,2})?\s+/i;
const NUMBERED_LINE = new RegExp(NUMBER.source.replace(/^\^/, "^[ \\t]*"), "gim");

/**
 * Takes a model's answer apart into the posts of a thread, however it has marked them: separating lines, a JSON list,
 * numbers, blank lines.
 * @returns exactly `count` texts, none of them blank; `null`: it cannot be told
 */
export function splitThread(raw: string, count: number): readonly string[] | null {
  const text = raw.trim().replace(/\r\n?/g, "\n");
  const ways = [
    () => jsonTexts(text),
    () => text.split(SEPARATOR),
    () => atNumbers(text),
    () => text.split(BLANK_LINES),
  ];
  for (const way of ways) {
    const posts = way()
      .map(withoutNumber)
      .filter((post) => post !== "");
    if (posts.length === count) return posts;
  }
  return null;
}

function jsonTexts(text: string): string[] {
  const list = /^(?:```\w*\n)?(\[[\s\S]*\])(?:\n```)?$/.exec(text)?.[1];
  if (list === undefined) return [];
  try {
    const values: unknown = JSON.parse(list);
    return Array.isArray(values) && values.every((value) => typeof value === "string") ? values : [];
  } catch {
    return [];
  }
}

/** What stands before the first number is an introduction. */
function atNumbers(text: string): string[] {
  const starts = [...text.matchAll(NUMBERED_LINE)].map(({ index }) => index);
  return starts.map((start, index) => text.slice(start, starts[index + 1]));
}

function withoutNumber(post: string): string {
  return post.trim().replace(NUMBER, "").trim();
}
