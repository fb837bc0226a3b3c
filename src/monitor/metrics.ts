import { Gauge, Registry } from "prom-client";
import type { Lane } from "../queue/lane.ts";
import { latencyOfBucket } from "../job/usage-counters.ts";
import type { ModelUsage } from "../storage/usage-report.ts";
import { laneTitle } from "./lane-title.ts";

/** What a lane looks like at the moment of a scrape. */
export interface LaneState {
  readonly lane: Lane;
  /** Jobs by state: waiting, active, delayed, failed. */
  readonly counts: Readonly<Record<string, number>>;
  /** Epoch ms of the longest-waiting job; `null`: none waits. */
  readonly oldestAt: number | null;
}

export interface MetricsSource {
  readonly lanes: () => Promise<readonly LaneState[]>;
  readonly workers: () => Promise<number>;
  /** All counters since they began, by provider and model. */
  readonly usage: () => Promise<readonly ModelUsage[]>;
  readonly now: () => number;
}

/**
 * Prometheus' text format. Everything is read from Redis at the scrape, so any number of monitors say the same and none
 * has to run all the time. Labels hold names only: no prompt, no text, no agent.
 */
export async function renderMetrics(
  source: MetricsSource,
): Promise<{ readonly contentType: string; readonly body: string }> {
  const registry = new Registry();
  const [lanes, workers, usage] = await Promise.all([source.lanes(), source.workers(), source.usage()]);
  describeLanes(registry, lanes, source.now());
  new Gauge({ name: "puppet_workers", help: "Workers that live.", registers: [registry] }).set(workers);
  const text = `${await registry.metrics()}\n${usageMetrics(usage)}`;
  return { contentType: registry.contentType, body: text };
}

function describeLanes(registry: Registry, lanes: readonly LaneState[], now: number): void {
  const registers = [registry];
  const jobs = new Gauge({
    name: "puppet_lane_jobs",
    help: "Jobs in a lane by state.",
    labelNames: ["lane", "state"],
    registers,
  });
  const oldest = new Gauge({
    name: "puppet_lane_oldest_seconds",
    help: "Age of the job that waits longest in a lane; 0 when none waits.",
    labelNames: ["lane"],
    registers,
  });
  for (const { lane, counts, oldestAt } of lanes) {
    for (const [state, count] of Object.entries(counts)) jobs.set({ lane: laneTitle(lane), state }, count);
    oldest.set({ lane: laneTitle(lane) }, oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1000);
  }
}

type Labels = Readonly<Record<string, string>>;

/** prom-client counts by itself; ours are counted already, so they are written down as they are. */
function usageMetrics(usage: readonly ModelUsage[]): string {
  const lines: string[] = [];
  const family = (name: string, kind: string, help: string): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
  };
  const counter = (name: string, help: string, values: (model: ModelUsage) => readonly [Labels, number][]): void => {
    family(name, "counter", help);
    for (const model of usage) {
      for (const [labels, value] of values(model))
        lines.push(`${name}${labelText({ ...modelLabels(model), ...labels })} ${value}`);
    }
  };
  counter("puppet_attempts_total", "Provider calls by outcome.", ({ outcomes }) =>
    [...outcomes].map(([outcome, count]) => [{ outcome }, count]),
  );
  counter(
    "puppet_tokens_total",
    "Tokens by kind; cached ones are part of input, reasoning ones of output.",
    ({ tokens }) => Object.entries(tokens).map(([kind, count]) => [{ kind }, count]),
  );
  counter(
    "puppet_cost_usd_total",
    "Cost in USD; requests of unknown price are missing from it.",
    ({ costMicroUsd }) => [[{}, costMicroUsd / 1e6]],
  );
  counter("puppet_unpriced_total", "Provider calls whose price is not known.", ({ unpriced }) => [[{}, unpriced]]);
  counter("puppet_feedback_total", "Texts that got a score.", ({ feedback }) => [[{}, feedback.count]]);
  // Not a counter: a lower score that replaces a higher one would look like a restart.
  family("puppet_feedback_score_sum", "gauge", "Sum of the scores, 0–1 each.");
  for (const model of usage)
    lines.push(`puppet_feedback_score_sum${labelText(modelLabels(model))} ${model.feedback.scoreSum}`);
  family("puppet_attempt_duration_seconds", "histogram", "Duration of provider calls.");
  for (const model of usage) lines.push(...histogramLines("puppet_attempt_duration_seconds", model));
  return `${lines.join("\n")}\n`;
}

/** Upper edges in seconds; fixed, because Prometheus compares the same edges over time. */
const EDGES_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Ours are four to a doubling: a duration may land one edge off when it is within 9 % of it. */
function histogramLines(name: string, model: ModelUsage): string[] {
  const labels = modelLabels(model);
  const below = (seconds: number): number =>
    [...model.latencies].reduce(
      (count, [bucket, attempts]) => (latencyOfBucket(bucket) <= seconds * 1000 ? count + attempts : count),
      0,
    );
  const count = below(Infinity);
  return [
    ...EDGES_SECONDS.map((edge) => `${name}_bucket${labelText({ ...labels, le: String(edge) })} ${below(edge)}`),
    `${name}_bucket${labelText({ ...labels, le: "+Inf" })} ${count}`,
    `${name}_sum${labelText(labels)} ${model.durationMs / 1000}`,
    `${name}_count${labelText(labels)} ${count}`,
  ];
}

function modelLabels({ provider, model }: ModelUsage): Labels {
  return { provider, model };
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`))}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
