import type { GenerationJob } from "../../../job/generation-job.ts";
import type { GenerationResult } from "../../../job/generation-result.ts";
import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { readLanes, type Lane } from "../../../queue/lane.ts";
import { readQueuedJob } from "../../../queue/queued-job.ts";
import { readJobState, type JobState } from "../../../storage/job-state.ts";
import { laneTitle } from "../../lane-title.ts";
import type { Page, PageContent, PageRequest } from "../page.ts";
import { button, moment, percent, state, timestamp, usd } from "../parts.ts";
import { asked } from "./asked.ts";
import { attemptsTable } from "./attempts-table.ts";
import { posts } from "./post.ts";
import { STATUS_HEALTH } from "./status-health.ts";

/** Everything about one job: its text, and every attempt that led to it. */
export const jobPage: Page = {
  path: "/results/:id",
  async render(request, { redis, namespace, queues }) {
    const id = request.params["id"] ?? "";
    const job = await readJobState(redis, namespace, id);
    if (job === null) return unknownJob(id);
    const [queued, lanes] = await Promise.all([readQueuedJob(job, { redis, queues }), readLanes(redis, namespace)]);
    return jobContent({ ...job, queued, title: titleOf(job.lane, lanes) }, request);
  },
};

function unknownJob(id: string): PageContent {
  const main = html`<h1>Job ${id}</h1>
    <p class="problem">There is no such job, or it is forgotten: results are kept for some days only.</p>`;
  return { title: `Job ${id}`, status: 404, main };
}

interface ShownJob extends JobState {
  /** As it was enqueued; `null`: no longer kept. */
  readonly queued: GenerationJob | null;
  /** Of its lane. */
  readonly title: string;
}

function titleOf(name: string, lanes: readonly Lane[]): string {
  const lane = lanes.find((known) => known.name === name);
  return lane === undefined ? name : laneTitle(lane);
}

function jobContent(job: ShownJob, { role, now }: PageRequest): PageContent {
  const { jobId, result, status } = job;
  const from = `/results/${encodeURIComponent(jobId)}`;
  const question = `Cancel the job ${jobId}? A call under way is cut off; what it has cost so far stays on the books.`;
  const fields = { job: jobId, from };
  const cancel =
    result === null
      ? button(role, { action: "/cancel", label: "Cancel", about: jobId, fields, isDanger: true, question })
      : NOTHING;
  const main = html`<h1>Job ${jobId}</h1>
    <p>
      ${state(STATUS_HEALTH[status], status)}${job.isCancelled && result === null ? " (being cancelled)" : ""}${waits(job, now)}
    </p>
    ${result === null ? draftOf(job) : written(result)} ${cancel}
    <h2>What was asked</h2>
    ${asked(job.queued, now)}
    <h2>Attempts</h2>
    ${attemptsTable(job, now)}
    <h2>About it</h2>
    ${facts(job)}`;
  return { title: `Job ${jobId}`, main };
}

function waits({ status, waitUntilAt }: JobState, now: number): Html {
  if (status !== "waiting" || waitUntilAt === null || waitUntilAt <= now) return NOTHING;
  return html` waits until ${timestamp(waitUntilAt)} UTC, ${moment(waitUntilAt, now)}`;
}

function written(result: GenerationResult): Html {
  const text = posts(result);
  return html`${reasonOf(result)}${text === NOTHING ? NOTHING : html`<div class="post">${text}</div>`}`;
}

/** A text that is held is no fault; it wants somebody. */
function reasonOf(result: GenerationResult): Html {
  if (result.purgedAt !== undefined)
    return html`<p class="hint">Its texts were purged at ${timestamp(result.purgedAt)} UTC.</p>`;
  if (result.status === "succeeded") return NOTHING;
  if (result.status !== "held") return html`<p class="problem">${result.reason}</p>`;
  return html`<p class="problem warning">
    ${result.reason}
    <small
      >Read it, and publish it by hand if it is good. It is not run again; for another text enqueue the job under
      another id.</small
    >
  </p>`;
}

function draftOf({ draft }: JobState): Html {
  if (draft === null) return NOTHING;
  const texts = draft.posts.map((text) => html`<p class="text" dir="auto">${text}</p>`);
  return html`<p class="hint">There is a draft (${draft.why}); a better text is asked for.</p>
    <div class="post">${texts}</div>`;
}

function facts(job: ShownJob): Html {
  const { result } = job;
  const lines: readonly (readonly [string, Html | string])[] = [
    ["Agent", html`<a href="/results?agent=${encodeURIComponent(job.agentId)}">${job.agentId}</a>`],
    ["Kind", job.kind],
    [
      "Lane",
      html`<a href="/board/queue/${encodeURIComponent(job.lane)}/j_${encodeURIComponent(job.jobId)}">${job.title}</a>`,
    ],
    ["Bulk run", job.run ?? ""],
    ["Retried", job.generation > 1 ? `${job.generation - 1} times` : ""],
    ["Finished (UTC)", result === null ? "" : timestamp(result.finishedAt)],
    ["Cost", result === null ? "" : usd(result.costMicroUsd)],
    ["Score", job.score === null ? "" : String(job.score)],
    ...(result?.status === "succeeded" ? factsOfText(result) : []),
  ];
  return html`<dl class="facts">
    ${lines
      .filter(([, value]) => value !== "")
      .map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
  </dl>`;
}

function factsOfText(result: Extract<GenerationResult, { status: "succeeded" }>): [string, Html | string][] {
  const { provider, model, finishReason, finishing, similarTo, cache, adjustedParams } = result;
  return [
    ["Written by", `${provider}/${model}`],
    ["Stopped because", finishReason],
    ["From the cache", cache ?? ""],
    ["Changed in finishing", finishing?.changes.join(", ") ?? ""],
    ["Parameters left out or changed", adjustedParams.map(({ parameter }) => parameter).join(", ")],
    [
      "Much like",
      similarTo === undefined
        ? ""
        : html`<a href="/results/${encodeURIComponent(similarTo.jobId)}">${similarTo.jobId}</a>
            (${percent(similarTo.similarity)})`,
    ],
  ];
}
