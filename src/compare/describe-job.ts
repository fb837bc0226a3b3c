import type { HistoryMessage, JsonValue, ParsedJobInput } from "../job/generation-job.ts";

/** A job in words, for a heading and the lines below it. */
export interface JobDescription {
  readonly title: string;
  readonly details: readonly JobDetail[];
}

export interface JobDetail {
  /** `mood`, `recent events` */
  readonly label: string;
  readonly text: string;
}

export function describeJob(input: ParsedJobInput): JobDescription {
  switch (input.kind) {
    case "tweet":
      return describeTweet(input);
    case "thread": {
      const { title, details } = describeTweet(input);
      return { title: `${title} (${input.posts} posts)`, details };
    }
    case "quote": {
      const author = input.author === null ? [] : [{ label: "by", text: input.author }];
      return { title: input.quoted, details: [...author, ...detailsOf(input.context)] };
    }
    case "reply": {
      const conversation = input.conversation_history.map(messageText).join("\n");
      const earlier = conversation === "" ? [] : [{ label: "conversation", text: conversation }];
      return { title: input.mention, details: [...earlier, ...detailsOf(input.context)] };
    }
    case "content":
      return { title: input.prompt, details: detailsOf(input.context) };
    default:
      return input satisfies never;
  }
}

/** Its topic or, when it has none, the first thing that it is about. */
function describeTweet({ context }: ParsedJobInput): JobDescription {
  const details = detailsOf(context);
  const heading = details.find(({ label }) => label === "topic") ?? details[0];
  return { title: heading?.text ?? "Anything at all", details: details.filter((detail) => detail !== heading) };
}

function messageText({ author, text }: HistoryMessage): string {
  return `${author ?? "somebody"}: ${text}`;
}

function detailsOf(context: ParsedJobInput["context"]): JobDetail[] {
  return Object.entries(context).flatMap(([name, value]) => {
    const text = valueText(value);
    return text === "" ? [] : [{ label: name.replace(/[_\s]+/g, " ").trim(), text }];
  });
}

function valueText(value: JsonValue): string {
  if (value === null) return "";
  if (typeof value === "string") return value.trim();
  return isListOfTexts(value) ? value.join("; ") : JSON.stringify(value);
}

function isListOfTexts(value: JsonValue): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
