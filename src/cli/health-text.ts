import { styleText } from "node:util";
import Table from "cli-table3";
import type { OperatorHealth } from "../compose-operator.ts";
import { formatUsd, integer, milliseconds, roundedDuration } from "../platform/numbers.ts";
import type { Lane } from "../queue/lane.ts";
import type { BudgetHealth } from "../storage/budget-report.ts";
import type { GroupHealth, LearnedLimits, LimitGroupState } from "../storage/health-report.ts";
import { pauseWords } from "../storage/pause-words.ts";
import { showPause } from "./pause-target.ts";
import { STYLE } from "./tables.ts";

export interface HealthContext {
  readonly namespace: string;
  /** To show paused lanes by their chains. */
  readonly lanes: readonly Lane[];
  /** Epoch ms. */
  readonly now: number;
}

/** What `health` prints: tables, and lines about what wants a person. */
export function healthText(health: OperatorHealth, { namespace, lanes, now }: HealthContext): string {
  const { groups, pausedKeys, operatorPauses, budgets } = health;
  const lines = [
    ...groups.flatMap((group) => groupLines(group, pausedKeys, now)),
    ...pausedKeys.map(({ name, why, untilAt }) => `key ${name} is paused: ${pauseWords(why, untilAt - now)}`),
    ...operatorPauses.map((pause) => showPause(pause, lanes, now)),
  ];
  const parts = [
    groups.length === 0 ? `no calls yet (namespace ${namespace})` : groupTable(groups, now),
    lines.join("\n"),
    budgets.length === 0 ? "" : budgetTable(budgets),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const GROUP_HEAD = ["state", "calls", "succeeded", "p50", "p95", "learned limits", "last error"];

function groupTable(groups: readonly GroupHealth[], now: number): string {
  const table = new Table({
    ...STYLE,
    head: ["limit group", ...GROUP_HEAD],
    colAligns: ["left", "left", "right", "right", "right", "right", "left", "left"],
  });
  for (const group of groups) {
    const { lastError } = group;
    table.push([
      group.name,
      stateCell(group, now),
      integer(group.calls),
      group.successShare === null ? "" : percent(group.successShare),
      group.p50Ms === null ? "" : milliseconds(group.p50Ms),
      group.p95Ms === null ? "" : milliseconds(group.p95Ms),
      showLimits(group.limits),
      lastError === null ? "" : `${lastError.outcome} ${roundedDuration(now - lastError.at)} ago`,
    ]);
  }
  return table.toString();
}

const STATES = {
  ok: { color: "green", words: "ok" },
  "rate-limited": { color: "yellow", words: "rate-limited" },
  paused: { color: "red", words: "paused" },
  "circuit-open": { color: "red", words: "circuit open" },
  probing: { color: "yellow", words: "probing" },
  recovering: { color: "yellow", words: "recovering" },
} as const satisfies Record<LimitGroupState, { color: string; words: string }>;

function stateCell({ state, why, untilAt }: GroupHealth, now: number): string {
  const { color, words } = STATES[state];
  const reason = state === "paused" && why !== null ? `: ${why}` : "";
  const rest = untilAt === null ? "" : `, ${roundedDuration(untilAt - now)} more`;
  return styleText(color, `${words}${reason}${rest}`);
}

function showLimits(limits: LearnedLimits): string {
  const { requestsPerMinute, isObserved, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } = limits;
  return [
    ...showLimit(requestsPerMinute, "/min").map((text) => (isObserved ? `~${text}` : text)),
    ...showLimit(tokensPerMinute, " tokens/min"),
    ...showLimit(inputTokensPerMinute, " input tokens/min"),
    ...showLimit(outputTokensPerMinute, " output tokens/min"),
    ...showLimit(limits.requestsPerDay, "/day"),
  ].join(", ");
}

/** A vendor may allow less than one a minute. */
function showLimit(value: number | null, unit: string): string[] {
  if (value === null) return [];
  return [`${value < 1 ? value.toPrecision(2) : integer(Math.floor(value))}${unit}`];
}

/** Of a group that is well the message of an old error helps nobody; the pause of its key has a line of its own. */
function groupLines(group: GroupHealth, pausedKeys: OperatorHealth["pausedKeys"], now: number): string[] {
  const { name, state, why, untilAt, lastError } = group;
  if (state === "ok" || state === "rate-limited") return [];
  const isOfKey = pausedKeys.some((key) => key.untilAt === untilAt && key.why === why);
  const isPaused = state === "paused" && untilAt !== null && !isOfKey;
  const pause = isPaused ? [`${name} is paused: ${pauseWords(why ?? "", untilAt - now)}`] : [];
  const message = lastError?.message ?? null;
  return [...pause, ...(message === null ? [] : [`${name}: last error: ${message}`])];
}

const BUDGET_HEAD = ["spent (USD)", "reserved", "limit", "used"];
/** There can be thousands of agents. */
const MOST_BUDGETS = 20;

function budgetTable(budgets: readonly BudgetHealth[]): string {
  const table = new Table({
    ...STYLE,
    head: ["budget of today (UTC)", ...BUDGET_HEAD],
    colAligns: ["left", "right", "right", "right", "left"],
  });
  for (const { name, spentMicroUsd, heldMicroUsd, limitMicroUsd, usedShare } of budgets.slice(0, MOST_BUDGETS)) {
    const amounts = [spentMicroUsd, heldMicroUsd, limitMicroUsd].map(formatUsd);
    table.push([name, ...amounts, `${bar(usedShare)} ${percent(usedShare)}`]);
  }
  const more = budgets.length - MOST_BUDGETS;
  return [
    table.toString(),
    ...(more > 0 ? [`and ${integer(more)} more agents, less used; --json shows all`] : []),
  ].join("\n");
}

const BAR_CELLS = 10;

function bar(share: number): string {
  const full = Math.min(BAR_CELLS, Math.floor(share * BAR_CELLS));
  return "█".repeat(full) + "░".repeat(BAR_CELLS - full);
}

/** Rounded down to a tenth: what is not all of it does not read `100 %`. */
function percent(share: number): string {
  return `${Math.floor(share * 1000 + 1e-9) / 10} %`;
}
