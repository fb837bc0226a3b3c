import { html, type Html } from "../../../platform/html.ts";
import { integer, shortDuration } from "../../../platform/numbers.ts";
import type { GroupHealth } from "../../../storage/health-report.ts";
import { clockMoment } from "../clock-moment.ts";
import { button, clamped, count, percent, type Column } from "../parts.ts";
import { rateOf, stateOf, whyNoCall } from "./group-words.ts";
import type { Here } from "../here.ts";
import { longTable } from "./long-list.ts";
import type { Overview } from "./read-overview.ts";

const MOST_GROUPS = 60;

/** Every limit group: what shares a vendor's limits, mostly a model with a key. Those that cannot be called come first. */
export function groupsTable(overview: Overview, here: Here): Html {
  const isKept = (group: GroupHealth): boolean => whyNoCall(group, overview) !== null;
  // Those without a call in the last hour are idle.
  const place = (group: GroupHealth): number => (isKept(group) ? 0 : group.calls > 0 ? 1 : 2);
  return longTable<GroupHealth>({
    caption: "Providers: what shares a vendor's limits",
    // They are in order of their names.
    rows: [...overview.groups].sort((a, b) => place(a) - place(b)),
    empty: "No calls yet.",
    columns: columns(overview, here),
    ...{ noun: "limit group", most: MOST_GROUPS, isIdle: (group) => place(group) === 2 },
    elsewhere: html`<a href="/api/v1/health">all as JSON</a>`,
  });
}

function columns(overview: Overview, { role, now, from }: Here): Column<GroupHealth>[] {
  const isPaused = (provider: string): boolean =>
    overview.pauses.some((pause) => pause.what === "provider" && pause.name === provider);
  return [
    { head: "Provider, model and key", isLong: true, cell: ({ name }) => name },
    { head: "State", cell: (group) => stateOf(group, overview, now) },
    { head: "Calls a minute", isNumber: true, cell: rateOf },
    { head: "Sample", isNumber: true, cell: ({ calls }) => count(calls) },
    {
      head: "Succeeded",
      isNumber: true,
      cell: ({ successShare }) => (successShare === null ? "" : percent(successShare)),
    },
    { head: "p50", isNumber: true, cell: ({ p50Ms }) => (p50Ms === null ? "" : shortDuration(p50Ms)) },
    { head: "p95", isNumber: true, cell: ({ p95Ms }) => (p95Ms === null ? "" : shortDuration(p95Ms)) },
    { head: "Tokens a minute", isNumber: true, cell: tokenLimit },
    { head: "Last error", isLong: true, cell: (group) => lastError(group, now) },
    {
      head: "",
      cell: ({ provider }) => {
        const fields = { provider, from };
        if (isPaused(provider)) return button(role, { action: "/resume", label: "Resume", about: provider, fields });
        return button(role, { action: "/pause", label: "Pause", about: provider, fields });
      },
    },
  ];
}

function tokenLimit({ limits: { tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } }: GroupHealth): string {
  if (tokensPerMinute !== null) return integer(Math.floor(tokensPerMinute));
  const apart = [
    ...(inputTokensPerMinute === null ? [] : [`${integer(Math.floor(inputTokensPerMinute))} in`]),
    ...(outputTokensPerMinute === null ? [] : [`${integer(Math.floor(outputTokensPerMinute))} out`]),
  ];
  return apart.join(", ");
}

function lastError({ lastError: error }: GroupHealth, now: number): Html {
  if (error === null) return html``;
  return html`${error.outcome}, ${clockMoment(error.at, now)}${clamped(error.message ?? "")}`;
}
