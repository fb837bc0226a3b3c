import type { Draft } from "../job/draft.ts";
import type { ChatMessage } from "../providers/provider.ts";
import { THREAD_SEPARATOR } from "./build-prompt.ts";

/** Models count badly: they are asked for a little less than there is room for. */
const ASKED_SHARE = 0.9;

/**
 * Asks for a better text than the draft: a shorter one, or another one.
 * @param messages of the first request
 * @param limit most that one post may be, as X counts; `null`: it is no post
 */
export function reviseMessages(
  messages: readonly ChatMessage[],
  draft: Draft,
  limit: number | null,
): readonly ChatMessage[] {
  return [
    ...messages,
    { role: "assistant", content: draft.posts.join(`\n${THREAD_SEPARATOR}\n`) },
    { role: "user", content: draft.posts.length > 1 ? threadRequest(draft, limit) : postRequest(draft, limit) },
  ];
}

function postRequest({ why, weightedLength }: Draft, limit: number | null): string {
  switch (why) {
    case "too-long":
      return `That is too long: ${weightedLength} characters, and ${limit ?? weightedLength} is the most. Write it again in at most ${asked(limit, weightedLength)} characters, with the same point in the same voice. Answer with the text alone.`;
    case "duplicate":
      return "Much the same was published before. Write a different one: another opening, another angle, other words. Answer with the text alone.";
  }
}

function threadRequest({ why, posts, weightedLength }: Draft, limit: number | null): string {
  const form = `Write all ${posts.length} posts again, separated as before. Answer with the posts alone.`;
  switch (why) {
    case "too-long":
      return `At least one post is too long: ${weightedLength} characters, and ${limit ?? weightedLength} is the most. Keep each within ${asked(limit, weightedLength)} characters. ${form}`;
    case "duplicate":
      return `Much the same was published before. Take another opening, another angle and other words. ${form}`;
  }
}

function asked(limit: number | null, weightedLength: number): number {
  return Math.floor((limit ?? weightedLength) * ASKED_SHARE);
}
