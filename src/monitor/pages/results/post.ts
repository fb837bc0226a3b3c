import { postParts } from "../../../finishing/post-parts.ts";
import { weightedLength } from "../../../finishing/weighted-length.ts";
import type { GenerationResult } from "../../../job/generation-result.ts";
import { html, NOTHING, type Html } from "../../../platform/html.ts";

/** A text as X would show it. It is text: what looks like a link is coloured and leads nowhere. */
function post(text: string, result: Pick<GenerationResult, "agentId">, limit: number | null): Html {
  const parts = postParts(text).map((part) =>
    part.isLink ? html`<span class="link">${part.text}</span>` : html`${part.text}`,
  );
  // White space in it is the text's own.
  const body = html`<p class="text" dir="auto">${parts}</p>`;
  return html`<div class="post-body">${body}${lengthOf(text, limit, result.agentId)}</div>`;
}

/** The posts of a thread one below the other. */
export function posts(result: GenerationResult): Html {
  const text = textOf(result);
  if (text === null) return NOTHING;
  const limit = limitOf(result);
  const several = result.status === "succeeded" ? (result.posts ?? []) : [];
  if (several.length === 0) return post(text, result, limit);
  return html`<ol class="thread">
    ${several.map((part) => html`<li>${post(part, result, limit)}</li>`)}
  </ol>`;
}

function textOf(result: GenerationResult): string | null {
  return result.purgedAt === undefined ? (result.text ?? null) : null;
}

function limitOf(result: GenerationResult): number | null {
  return result.status === "succeeded" ? (result.finishing?.limit ?? null) : null;
}

function lengthOf(text: string, limit: number | null, agentId: string): Html {
  const length = weightedLength(text);
  if (limit === null) return html`<p class="hint">${length} characters as X counts them</p>`;
  return html`<p class="hint">
    <meter value="${Math.min(length, limit)}" max="${limit}" aria-label="length of the post of ${agentId}"></meter>
    ${length} of ${limit} characters as X counts them
  </p>`;
}
