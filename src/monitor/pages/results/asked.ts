import type { GenerationJob, JobPayload } from "../../../job/generation-job.ts";
import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { clockMoment } from "../clock-moment.ts";

/** A context may be long; all of it is in Bull Board. */
const MOST_CHARACTERS = 4000;

/** What a job was to write, as it was enqueued. @param job `null`: its queue has forgotten it */
export function asked(job: GenerationJob | null, now: number): Html {
  if (job === null) return html`<p class="hint">What was asked is no longer kept.</p>`;
  const { input, urgency, enqueuedAt, deadlineAt, delivery } = job;
  const lines: readonly (readonly [string, Html])[] = [
    ["Kind", html`${input.kind}`],
    ...partsOf(input),
    ["Context", Object.keys(input.context).length === 0 ? NOTHING : block(JSON.stringify(input.context, null, 2))],
    ["Enqueued", clockMoment(enqueuedAt, now)],
    ["Urgency", html`${urgency}`],
    ["Deadline", deadlineAt === null ? NOTHING : clockMoment(deadlineAt, now)],
    ["Delivery", delivery === undefined ? NOTHING : html`${delivery}`],
  ];
  return html`<dl class="facts">
    ${lines
      .filter(([, value]) => value !== NOTHING)
      .map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
  </dl>`;
}

function partsOf(input: JobPayload): (readonly [string, Html])[] {
  switch (input.kind) {
    case "tweet":
      return [];
    case "reply":
      return [
        ["Mention", block(input.mention)],
        ["Conversation", input.conversationHistory.length === 0 ? NOTHING : block(conversation(input))],
      ];
    case "quote":
      return [
        ["Quoted", block(input.quoted)],
        ["Its author", input.author === null ? NOTHING : html`${input.author}`],
      ];
    case "thread":
      return [["Posts", html`${input.posts}`]];
    case "content":
      return [["Prompt", block(input.prompt)]];
    default:
      return input satisfies never;
  }
}

function conversation({ conversationHistory }: Extract<JobPayload, { kind: "reply" }>): string {
  return conversationHistory.map(({ author, text }) => (author === null ? text : `${author}: ${text}`)).join("\n");
}

/** White space in it is the text's own. */
function block(text: string): Html {
  const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)} …` : text;
  return html`<div class="asked" dir="auto">${shown}</div>`;
}
