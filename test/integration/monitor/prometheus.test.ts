import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  ALERT_RULES,
  ALERT_TESTS,
  DASHBOARD,
  DASHBOARD_EXPRESSIONS,
  type Expression,
} from "../../support/deploy-files.ts";
import { openNamespace } from "../../support/attempts.ts";
import { documentAt } from "../../support/documents.ts";
import { codeWords } from "../../support/markdown.ts";
import {
  PROMETHEUS,
  WITHOUT_PROMETHEUS,
  openPrometheusFolder,
  promtool,
  startPrometheus,
  type RunningPrometheus,
} from "../../support/prometheus.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openMonitor } from "./open-monitor.ts";
import type { Family } from "./parse-metrics.ts";
import { openRichMonitor } from "./rich-monitor.ts";
import { scrape } from "./scrape.ts";

/** /metrics, docs/monitoring.md and the files of `deploy/` speak of the same metrics. */

const TOKEN = "correct-horse-battery-staple";
const MONITORING = documentAt("docs/monitoring.md");
/** Appears with the first collection of garbage. */
const SOMETIMES_EMPTY = "puppet_monitor_nodejs_gc_duration_seconds";
const EXPRESSIONS: readonly Expression[] = [
  ...DASHBOARD_EXPRESSIONS,
  ...ALERT_RULES.map(({ name, expression }) => ({ where: `alert ${name}`, text: expression })),
];

describe("docs/monitoring.md", () => {
  it("lists every metric with its type and its labels", async () => {
    await using rich = await openRichMonitor();
    const metrics = await scrape(rich.monitor);
    const rows = MONITORING.tables.flatMap((table) => table.rows);
    const documented = rows.map(([name = "", type = "", labels = ""]) => ({
      name: codeWords(name)[0] ?? "",
      type,
      labels: codeWords(labels).sort(),
    }));
    const actual = [...metrics].map(([name, family]) => ({ name, type: family.type, labels: labelsOf(family) }));
    const known = (metric: { name: string }): boolean => metric.name !== SOMETIMES_EMPTY;
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
    expect(actual.length).toBeGreaterThan(50);
    expect(documented.filter(known).sort(byName)).toEqual(actual.filter(known).sort(byName));
    expect(documented).toContainEqual({ name: SOMETIMES_EMPTY, type: "histogram", labels: ["kind"] });
    const empty = [...metrics].filter(([, { samples }]) => samples.length === 0).map(([name]) => name);
    expect(empty.filter((name) => name !== SOMETIMES_EMPTY)).toEqual([]);
  });

  it("has a paragraph for every alert, where its runbook points", () => {
    expect(ALERT_RULES.length).toBeGreaterThan(10);
    expect(ALERT_RULES.map(({ runbook }) => runbook)).toEqual(
      ALERT_RULES.map(({ name }) => `docs/monitoring.md#${name.toLowerCase()}`),
    );
    const headings = MONITORING.headings.map(({ text }) => text).filter((text) => text.startsWith("Puppet"));
    expect(headings).toEqual(ALERT_RULES.map(({ name }) => name));
  });
});

describe("the dashboard and the alert rules", () => {
  it("use metrics and labels that /metrics has, whether anything has happened or not", async () => {
    await using at = await openNamespace();
    await using monitor = await openMonitor(at);
    const names = new Set([...(await scrape(monitor))].flatMap(([name, { type }]) => seriesOf(name, type)));
    const used = EXPRESSIONS.flatMap(({ where, text }) => metricsIn(text).map((name) => ({ where, name })));
    expect(new Set(used.map(({ name }) => name)).size).toBeGreaterThan(30);
    expect(used.filter(({ name }) => !names.has(name))).toEqual([]);
    expect(metricsIn('sum(rate(puppet_no_such_total{lane="puppet_lane"}[5m]))')).toEqual(["puppet_no_such_total"]);
  });

  it("show every kind of thing, and take the data source from a variable", () => {
    const rows = DASHBOARD.panels.filter(({ type }) => type === "row").map(({ title }) => title);
    expect(rows).toEqual([
      ...["Now", "Throughput and outcomes", "Wait and run time", "Limits and health", "Cost and tokens", "Workers"],
    ]);
    expect(DASHBOARD.templating.list).toContainEqual({ name: "datasource", type: "datasource" });
    const without = DASHBOARD.panels.filter(({ type, targets = [] }) => type !== "row" && targets.length === 0);
    expect(without).toEqual([]);
  });

  it("have a test for each alert", () => {
    expect(ALERT_RULES.filter(({ name }) => !ALERT_TESTS.includes(`alertname="${name}"`))).toEqual([]);
  });
});

describe.skipIf(PROMETHEUS === null)(`Prometheus${WITHOUT_PROMETHEUS}`, () => {
  it("takes the configuration and the rules, and they fire when they should", async () => {
    await using folder = await openPrometheusFolder();
    const config = promtool(["check", "config", "prometheus.yml"], { cwd: folder.path });
    expect(config.output).toContain(`${ALERT_RULES.length} rules found`);
    expect(config).toMatchObject({ code: 0 });
    const tests = promtool(["test", "rules", "alert-rules.test.yml"]);
    expect(tests, tests.output).toMatchObject({ code: 0 });
  });

  it("has nothing to complain about, scrapes with the token; rules and dashboard get answers", async () => {
    await using rich = await openRichMonitor(TOKEN);
    const { text } = await rich.monitor.send("/metrics", { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(promtool(["check", "metrics"], { input: text })).toEqual({ code: 0, output: "" });
    const wrong = "# HELP puppet_x_sum a\n# TYPE puppet_x_sum gauge\npuppet_x_sum 1\n";
    expect(promtool(["check", "metrics"], { input: wrong }).code, "it does look").toBe(3);

    const target = new URL(rich.monitor.url).host;
    await using folder = await openPrometheusFolder({ target, token: TOKEN });
    await using prometheus = await startPrometheus(folder);
    const workers = async (): Promise<string | undefined> => (await query(prometheus, "puppet_workers"))[0]?.value[1];
    expect(await waitFor(workers, { timeoutMs: 20_000 })).toBe("1");
    expect((await query(prometheus, 'puppet_fail_overs_total{from="openai",to="grok"}'))[0]?.value[1]).toBe("2");

    const rules = await waitFor(async () => {
      const all = await rulesOf(prometheus);
      return all.every(({ health }) => health !== "unknown") && all;
    });
    expect(rules.map(({ name, health }) => ({ name, health }))).toEqual(
      ALERT_RULES.map(({ name }) => ({ name, health: "ok" })),
    );
    await waitFor(async () => (await firingIn(prometheus)).length > 0);
    expect(await firingIn(prometheus), "OpenAI's account is empty").toEqual(["PuppetPaused"]);

    // A rate needs two scrapes.
    for (const { where, text: expression } of DASHBOARD_EXPRESSIONS) {
      const hasData = async (): Promise<boolean> => (await query(prometheus, filledIn(expression))).length > 0;
      await waitFor(hasData, { describe: `${where}: ${expression}` });
    }
  });
});

/** What the names of its series are. */
function seriesOf(name: string, type: string): string[] {
  return type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => `${name}${suffix}`) : [name];
}

function labelsOf({ samples }: Family): string[] {
  return [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))].filter((label) => label !== "le").sort();
}

/** Names of metrics in an expression: ours, outside of label matchers. */
function metricsIn(expression: string): string[] {
  return [...expression.replace(/"[^"]*"/g, '""').matchAll(/\bpuppet_\w+/g)].map(([name]) => name);
}

/** As Grafana fills its variables in. */
function filledIn(expression: string): string {
  return expression.replaceAll("$__rate_interval", "1m").replaceAll(/\$(?:lane|provider)\b/g, ".*");
}

const answerSchema = z.object({
  status: z.literal("success"),
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

async function query(prometheus: RunningPrometheus, expression: string): Promise<{ value: [number, string] }[]> {
  const answer = await prometheus.api(`query?query=${encodeURIComponent(expression)}`);
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) throw new Error(`${expression}: ${JSON.stringify(answer)}`);
  return parsed.data.data.result;
}

const rulesSchema = z.object({
  data: z.object({
    groups: z.array(
      z.object({ rules: z.array(z.object({ name: z.string(), health: z.string(), state: z.string() })) }),
    ),
  }),
});

async function rulesOf(prometheus: RunningPrometheus): Promise<{ name: string; health: string; state: string }[]> {
  return rulesSchema.parse(await prometheus.api("rules")).data.groups.flatMap(({ rules }) => rules);
}

async function firingIn(prometheus: RunningPrometheus): Promise<string[]> {
  return (await rulesOf(prometheus)).filter(({ state }) => state === "firing").map(({ name }) => name);
}
