import type { ModelFamily } from "../../models/models-file.ts";
import { applyParameters } from "../http/apply-parameters.ts";
import type { BuiltRequest } from "../http/http-provider.ts";
import type { ChatMessage, GenerateRequest } from "../provider.ts";

/** Sampling parameters are not in the package's types: it speaks a version of the API that has none. */
export type MessagesBody = Readonly<Record<string, unknown>>;

/** The wire body for one attempt. */
export function buildRequest(request: GenerateRequest, family: ModelFamily): BuiltRequest<MessagesBody> {
  // The API refuses a call without a cap, whatever somebody said of it.
  const omit = request.omit.filter((name) => name !== "max_tokens");
  const { values, reasoning, adjustedParams } = applyParameters({ ...request, omit }, family);
  const body = {
    model: request.model,
    ...split(request.messages),
    ...nested(values),
    ...reasoning,
    ...(request.parameters.stream && { stream: true }),
  };
  return { body, adjustedParams };
}

interface Conversation {
  readonly system?: string;
  readonly messages: readonly ChatMessage[];
}

/** For a conversation that the assistant opens, or that has nothing but a system prompt. */
const OPENING: ChatMessage = { role: "user", content: "Begin." };

/** System messages have a field of their own; the others take turns, and the user has the first. */
function split(messages: readonly ChatMessage[]): Conversation {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  const turns: ChatMessage[] = [];
  for (const { role, content } of messages.filter((message) => message.role !== "system")) {
    const last = turns.at(-1);
    if (last?.role === role) turns[turns.length - 1] = { role, content: `${last.content}\n\n${content}` };
    else turns.push({ role, content });
  }
  if (turns[0]?.role !== "user") turns.unshift(OPENING);
  return { ...(system.length > 0 && { system: system.join("\n\n") }), messages: turns };
}

/** `metadata.user_id` → `{metadata: {user_id}}`; two levels are all that the API has. */
function nested(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const [name = path, inner] = path.split(".", 2);
    fields[name] = inner === undefined ? value : { ...(fields[name] as object | undefined), [inner]: value };
  }
  return fields;
}
