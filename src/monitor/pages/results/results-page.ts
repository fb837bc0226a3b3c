import { JOB_KINDS, type JobKind } from "../../../job/generation-job.ts";
import type { GenerationResult, TerminalStatus } from "../../../job/generation-result.ts";
import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { searchResults, type ResultHit, type ResultPage } from "../../../storage/result-search.ts";
import { choices, pick } from "../choices.ts";
import { clockMoment } from "../clock-moment.ts";
import type { Page } from "../page.ts";
import { state, usd } from "../parts.ts";
import { posts } from "./post.ts";
import { STATUS_HEALTH } from "./status-health.ts";

const PER_PAGE = 30;
const KINDS = { "": "all kinds", ...namesOf(JOB_KINDS) } as Readonly<Record<"" | JobKind, string>>;
const STATUSES: Readonly<Record<"" | TerminalStatus, string>> = {
  "": "all statuses",
  ...{ succeeded: "succeeded", failed: "failed", held: "held", expired: "expired", cancelled: "cancelled" },
};

interface Filters {
  readonly agent: string;
  readonly kind: keyof typeof KINDS;
  readonly status: keyof typeof STATUSES;
  readonly day: string;
  readonly before: string;
}

/** What did it write? */
export const resultsPage: Page = {
  path: "/results",
  async render({ query, now }, { redis, namespace }) {
    const filters = filtersOf(query);
    const found = await searchResults(redis, namespace, { ...given(filters), limit: PER_PAGE });
    const main = html`<h1>Results</h1>
      ${form(filters)} ${jobForm()} ${list(found, now)} ${furtherPages(filters, found)}`;
    return { title: "Results", main };
  },
};

function namesOf(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

function filtersOf(query: URLSearchParams): Filters {
  return {
    agent: (query.get("agent") ?? "").trim(),
    kind: pick(query, "kind", [KINDS, ""]),
    status: pick(query, "status", [STATUSES, ""]),
    day: query.get("day") ?? "",
    before: query.get("before") ?? "",
  };
}

/** An empty field asks for nothing. */
function given({ agent, kind, status, day, before }: Filters) {
  return {
    ...(agent === "" ? {} : { agent }),
    ...(kind === "" ? {} : { kind }),
    ...(status === "" ? {} : { status }),
    ...(day === "" ? {} : { day }),
    ...(before === "" ? {} : { before }),
  };
}

function form({ agent, kind, status, day }: Filters): Html {
  return html`<form class="filters" action="/results" role="search">
    <label>Agent <input name="agent" value="${agent}" autocomplete="off" placeholder="all agents" /></label>
    <label>Kind ${choices("kind", KINDS, kind)}</label>
    <label>Status ${choices("status", STATUSES, status)}</label>
    <label>Day (UTC) <input name="day" type="date" value="${day}" /></label>
    <button>Search</button>
  </form>`;
}

/** By its id a job is found even when it waits, or is older than the list. */
function jobForm(): Html {
  return html`<form class="filters" action="/job">
    <label>Job <input name="id" autocomplete="off" placeholder="its id" required /></label>
    <button>Go</button>
  </form>`;
}

function list({ hits, next }: ResultPage, now: number): Html {
  if (hits.length > 0)
    return html`<ul class="posts" data-hold="New results">
      ${hits.map((hit) => item(hit, now))}
    </ul>`;
  return html`<p class="empty">
    ${next === null ? "Nothing was found." : "Nothing yet among the newest; go on with older ones."}
  </p>`;
}

function item({ jobId, agentId, kind, status, finishedAt, result }: ResultHit, now: number): Html {
  const reason = result !== null && result.status !== "succeeded" ? reasonOf(result) : NOTHING;
  const text = result === null ? html`<p class="hint">The text is not kept here any more.</p>` : posts(result);
  return html`<li class="post">
    <header>
      <span class="avatar" aria-hidden="true">${agentId.slice(0, 2)}</span> <strong>${agentId}</strong>
      <span>${kind}</span>
      ${state(STATUS_HEALTH[status], status)} ${clockMoment(finishedAt, now)}
    </header>
    ${reason} ${text}
    <footer>
      <a href="/results/${encodeURIComponent(jobId)}">${jobId}</a>
      ${result === null ? NOTHING : html`${author(result)}<span>${usd(result.costMicroUsd)}</span>`}
    </footer>
  </li>`;
}

/** Of what has failed there is none. */
function author(result: NonNullable<ResultHit["result"]>): Html {
  return result.status === "succeeded" ? html`<span>${result.provider}/${result.model}</span>` : NOTHING;
}

/** What is held is no fault; it wants somebody to read it. */
function reasonOf({ status, reason }: Exclude<GenerationResult, { status: "succeeded" }>): Html {
  return html`<p class="problem ${status === "held" ? "warning" : ""}">${reason}</p>`;
}

function furtherPages(filters: Filters, { next }: ResultPage): Html {
  const address = (before: string): string =>
    `/results?${new URLSearchParams(given({ ...filters, before })).toString()}`;
  const older = next === null ? NOTHING : html`<a class="button" href="${address(next)}">Older</a>`;
  const newest = filters.before === "" ? NOTHING : html`<a class="button" href="${address("")}">Newest</a>`;
  return html`<p class="buttons">${newest}${older}</p>`;
}
