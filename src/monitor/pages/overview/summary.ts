import type { TerminalStatus } from "../../../job/generation-result.ts";
import { html, type Html } from "../../../platform/html.ts";
import { duration, integer, plural } from "../../../platform/numbers.ts";
import { figures, state, usd, type Figure, type Health } from "../parts.ts";
import type { Overview } from "./read-overview.ts";

/** The numbers of now and of today (UTC). */
export function summary({ lanes, workers, usage, texts, budgets }: Overview, now: number): Html {
  const sum = (name: "waiting" | "active" | "delayed"): number =>
    lanes.reduce((total, { counts }) => total + counts[name], 0);
  const ended = (status: TerminalStatus): number => texts.reduce((total, { done }) => total + (done[status] ?? 0), 0);
  const oldest = lanes.flatMap(({ oldestAt }) => oldestAt ?? []);
  const { requests = 0, failures = 0, costMicroUsd = 0, unpriced = 0 } = usage ?? {};
  const budget = budgets.find(({ name }) => name === "global");
  return figures([
    {
      name: "Waiting",
      value: integer(sum("waiting")),
      note: oldest.length === 0 ? "" : `the oldest for ${duration(now - Math.min(...oldest))}`,
    },
    { name: "In work", value: integer(sum("active")), note: plural(workers.length, "worker") },
    { name: "Delayed", value: integer(sum("delayed")), note: "for a limit, a pause or a retry" },
    { name: "Texts today (UTC)", value: integer(ended("succeeded")) },
    wanting("failed", ended("failed"), "bad"),
    wanting("held", ended("held"), "warn"),
    { name: "Calls today", value: integer(requests), note: `${integer(failures)} without a text` },
    {
      name: "Cost today",
      value: usd(costMicroUsd, unpriced),
      note: budget === undefined ? "" : `of $${budget.limitMicroUsd / 1e6}`,
    },
  ]);
}

/** Jobs that ended so today. Those that somebody should look at stand out, and lead to their list. */
function wanting(status: "failed" | "held", number: number, health: Health): Figure {
  const name = status === "failed" ? "Failed today" : "Held today";
  if (number === 0) return { name, value: "0" };
  const link = html`<a href="/results?status=${status}">${status === "failed" ? "see why" : "read them"}</a>`;
  return { name, value: state(health, integer(number)), note: link };
}
