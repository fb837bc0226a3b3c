import type { JobPayload } from "../job/generation-job.ts";
import type { ChatMessage } from "../providers/provider.ts";
import type { Agent } from "./agent.ts";
import { contextLines, historyLine, withMaterial, type Material } from "./fences.ts";
import { systemPromptOf } from "./system-prompt.ts";

/** What X takes in one post. */
const LONGEST_POST_CHARACTERS = 280;

/** A line of its own between the posts of a thread. */
export const THREAD_SEPARATOR = "---";

/**
 * The messages of one call. What other people wrote (mention, conversation, quoted post, context) stands fenced in the
 * user message, never in the system role.
 * @param turn which of the agent's rotating prompts it is; counts up from 0
 */
export function buildMessages(agent: Agent, input: JobPayload, turn: number): ChatMessage[] {
  return [
    { role: "system", content: systemPromptOf(agent.prompt, turn) },
    { role: "user", content: userMessage(input, agent.lengthLimit ?? LONGEST_POST_CHARACTERS) },
  ];
}

function userMessage(input: JobPayload, limit: number): string {
  const details = contextLines(input.context);
  switch (input.kind) {
    case "tweet":
      return withMaterial("Write one post for X.", [["What it is about", details]], textOnly(limit));
    case "reply": {
      const conversation = input.conversationHistory.map(historyLine).join("\n");
      const material: Material[] = [
        ["The conversation so far, oldest message first", conversation],
        ["The post that mentions you", input.mention],
        ["What else to know", details],
      ];
      return withMaterial("Somebody mentioned you on X. Write your reply.", material, textOnly(limit));
    }
    case "quote": {
      const quoted = input.author === null ? input.quoted : historyLine({ author: input.author, text: input.quoted });
      const material: Material[] = [
        ["The post that you quote", quoted],
        ["What else to know", details],
      ];
      const request = "Quote somebody's post on X: write your comment on it. Readers see that post below yours.";
      return withMaterial(request, material, textOnly(limit));
    }
    case "thread": {
      const request = `Write a thread for X of exactly ${input.posts} posts that belong together. The first must make people want the rest; each must be worth reading alone.`;
      return withMaterial(request, [["What it is about", details]], postsOnly(limit));
    }
    case "content":
      return withMaterial(input.prompt, [["Details to take into account", details]], "");
    default:
      return input satisfies never;
  }
}

function textOnly(limit: number): string {
  return `Answer with the text alone, ready to be published: no quotation marks around it, no label, no comment. Keep it within ${limit} characters.`;
}

function postsOnly(limit: number): string {
  return `Answer with the posts alone, ready to be published, and a line with nothing but ${THREAD_SEPARATOR} between each two: no numbers, no labels, no comment. Keep each post within ${limit} characters.`;
}
