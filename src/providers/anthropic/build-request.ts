import { isOmitted } from "../../models/is-omitted.ts";
import type { ModelFamily } from "../../models/models-file.ts";
import { applyParameters } from "../http/apply-parameters.ts";
import type { BuiltRequest } from "../http/http-provider.ts";
import { splitConversation } from "../http/turns.ts";
import type { GenerateRequest } from "../provider.ts";

/** Sampling parameters are not in the package's types: it speaks a version of the API that has none. */
export type MessagesBody = Readonly<Record<string, unknown>>;

/** The wire body for one attempt. */
export function buildRequest(request: GenerateRequest, family: ModelFamily): BuiltRequest<MessagesBody> {
  // The API refuses a call without a cap, whatever somebody said of it.
  const omit = request.omit.filter((name) => !isOmitted("max_tokens", [name]));
  const { values, reasoning, adjustedParams } = applyParameters({ ...request, omit }, family);
  const { system, turns } = splitConversation(request.messages);
  const body = {
    model: request.model,
    ...(system !== null && { system }),
    messages: turns,
    ...nested(values),
    ...reasoning,
    ...(request.parameters.stream && { stream: true }),
  };
  return { body, adjustedParams };
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
