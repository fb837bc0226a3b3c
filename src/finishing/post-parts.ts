import twitter from "twitter-text";

/** A piece of a post; X makes a link of it when `isLink`: a URL, a handle, a hashtag or a cashtag. */
export interface PostPart {
  readonly text: string;
  readonly isLink: boolean;
}

/** No post is longer, but other texts are; twitter-text takes the square of the length. */
const LONGEST_POST = 4000;

/** What X would make links of. Put together the parts are the text. */
export function postParts(text: string): PostPart[] {
  if (text.length > LONGEST_POST) return [{ text, isLink: false }];
  const parts: PostPart[] = [];
  let end = 0;
  for (const { indices } of twitter.extractEntitiesWithIndices(text)) {
    const [from, to] = indices;
    if (from > end) parts.push({ text: text.slice(end, from), isLink: false });
    parts.push({ text: text.slice(from, to), isLink: true });
    end = to;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isLink: false });
  return parts;
}
