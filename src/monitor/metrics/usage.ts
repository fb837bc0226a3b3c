import { latencyOfBucket } from "../../job/usage-counters.ts";
import type { ModelUsage } from "../../storage/usage-report.ts";
import { counter, gauge, histogram, type Distribution, type Family, type Value } from "./exposition.ts";
import type { MetricGroup } from "./scrape.ts";

const MICRO_PER_USD = 1e6;
const EDGES_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** What the counters of usage say, by provider and model. */
export const usageMetrics: MetricGroup = async ({ usage, now }) => {
  const [total, today] = await Promise.all([usage.total(now), usage.today(now)]);
  return [
    ...callMetrics(total),
    ...costMetrics(total, today),
    counter(
      "puppet_feedback_total",
      "Texts that got a score.",
      byModel(total, ({ feedback }) => feedback.count),
    ),
    // Not a counter: a lower score that replaces a higher one would look like a restart.
    gauge(
      "puppet_feedback_points",
      "Sum of the scores, 0–1 each.",
      byModel(total, ({ feedback }) => feedback.scoreSum),
    ),
  ];
};

function callMetrics(total: readonly ModelUsage[]): Family[] {
  const outcomes = total.flatMap((model) =>
    [...model.outcomes].map(([outcome, count]): Value => [{ ...labelsOf(model), outcome }, count]),
  );
  const tokens = total.flatMap((model) =>
    Object.entries(model.tokens).map(([kind, count]): Value => [{ ...labelsOf(model), kind }, count]),
  );
  const refused = byModel(total, (model) => model.outcomes.get("rate-limited") ?? 0);
  const orphans = byModel(total, (model) => model.outcomes.get("crashed") ?? 0);
  return [
    counter("puppet_attempts_total", "Provider calls by outcome.", outcomes),
    counter("puppet_calls_refused_total", "Provider calls that the vendor refused for its limits (429).", refused),
    counter("puppet_orphans_total", "Provider calls whose worker died before they ended.", orphans),
    histogram("puppet_attempt_duration_seconds", "Duration of provider calls.", total.map(durationsOf)),
    counter("puppet_tokens_total", "Tokens by kind; cached ones are part of input, reasoning ones of output.", tokens),
  ];
}

function costMetrics(total: readonly ModelUsage[], today: readonly ModelUsage[]): Family[] {
  const unpriced = byModel(total, (model) => model.unpriced);
  return [
    counter("puppet_cost_usd_total", "Cost; calls of unknown price are missing from it.", byModel(total, usdOf)),
    gauge("puppet_cost_today_usd", "Cost since midnight UTC.", byModel(today, usdOf)),
    counter("puppet_unpriced_total", "Provider calls whose price is not known.", unpriced),
  ];
}

function usdOf({ costMicroUsd }: ModelUsage): number {
  return costMicroUsd / MICRO_PER_USD;
}

/** Ours are four to a doubling: a duration may land one edge off when it is within 9 % of it. */
function durationsOf(model: ModelUsage): Distribution {
  const times = [...model.latencies].map(([bucket, count]) => [latencyOfBucket(bucket) / 1000, count] as const);
  return { labels: labelsOf(model), edgesSeconds: EDGES_SECONDS, times, sumSeconds: model.durationMs / 1000 };
}

function byModel(models: readonly ModelUsage[], value: (model: ModelUsage) => number): Value[] {
  return models.map((model) => [labelsOf(model), value(model)]);
}

function labelsOf({ provider, model }: ModelUsage): { readonly provider: string; readonly model: string } {
  return { provider, model };
}
