import { describe, expect, it } from "vitest";
import { claimJobs } from "../../../src/admission/claims.ts";
import { dayOf } from "../../../src/job/usage-counters.ts";
import { startSystem } from "../../support/generation-system.ts";
import { openNamespace } from "../../support/attempts.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { openMonitor } from "./open-monitor.ts";
import { parseMetrics, valueOf } from "./parse-metrics.ts";
import { scrape } from "./scrape.ts";

const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 30,
  prompt_tokens_details: { cached_tokens: 20 },
  completion_tokens_details: { reasoning_tokens: 4 },
};
const LUNA = { provider: "openai", model: "gpt-6-luna" };
const GROK = { provider: "grok", model: "grok-4.3" };

describe("/metrics", () => {
  it("says what the books say after known jobs", async () => {
    await using openai = await startRecordedServer(
      completionAnswer({ usage: USAGE }),
      completionAnswer({ usage: USAGE }),
      recordedAnswer("openai/500-server-error.json"),
      completionAnswer({ usage: USAGE }),
      recordedAnswer("openai/429-insufficient-quota.json"),
    );
    await using grok = await startRecordedServer(completionAnswer({ usage: USAGE, model: "grok-4.3" }));
    await using system = await startSystem({ openai, grok });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    for (const id of ["a", "b", "c", "d"]) await system.run({ id, kind: "tweet", agent: "ada" });
    const rows = await system.expectAccounted();
    const rowsOf = (provider: string) => rows.filter((row) => row.provider === provider);
    const metrics = await scrape(monitor);
    const value = (name: string, labels: Record<string, string>) => valueOf(metrics, name, labels);

    expect(value("puppet_attempts_total", { ...LUNA, outcome: "succeeded" })).toBe(3);
    expect(value("puppet_attempts_total", { ...LUNA, outcome: "overloaded" })).toBe(1);
    expect(value("puppet_attempts_total", { ...LUNA, outcome: "quota-exhausted" })).toBe(1);
    expect(value("puppet_attempts_total", { ...GROK, outcome: "succeeded" })).toBe(1);
    expect(value("puppet_cost_today_usd", LUNA)).toBe(value("puppet_cost_usd_total", LUNA));
    expect(metrics.get("puppet_attempts_total")?.samples).toHaveLength(4);
    const tokens = { input: 360, cached_input: 60, output: 90, reasoning: 12 };
    for (const [kind, count] of Object.entries(tokens))
      expect(value("puppet_tokens_total", { ...LUNA, kind })).toBe(count);
    for (const [labels, provider] of [
      [LUNA, "openai"],
      [GROK, "grok"],
    ] as const) {
      const microUsd = rowsOf(provider).reduce((sum, { costMicroUsd }) => sum + (costMicroUsd ?? 0), 0);
      expect(value("puppet_cost_usd_total", labels)).toBeCloseTo(microUsd / 1e6, 12);
      expect(value("puppet_unpriced_total", labels)).toBe(0);
      const durationMs = rowsOf(provider).reduce((sum, row) => sum + row.durationMs, 0);
      expect(value("puppet_attempt_duration_seconds_sum", labels)).toBeCloseTo(durationMs / 1000, 9);
      expect(value("puppet_attempt_duration_seconds_count", labels)).toBe(rowsOf(provider).length);
    }
    expect(value("puppet_cost_usd_total", LUNA)).toBeGreaterThan(0);
    expect(valueOf(metrics, "puppet_workers")).toBe(1);
  });

  it("tells how many texts have a score and what the scores add up to, and follows when one is replaced", async () => {
    await using openai = await startRecordedServer(completionAnswer());
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    const told = async (): Promise<(number | undefined)[]> => {
      const metrics = await scrape(monitor);
      return ["puppet_feedback_total", "puppet_feedback_points"].map((name) => valueOf(metrics, name, LUNA));
    };
    for (const id of ["a", "b"]) await system.run({ id, kind: "tweet", agent: "nori" });
    expect(await told()).toEqual([0, 0]);
    await system.producer.feedback("a", 0.9);
    await system.producer.feedback("b", 0.4);
    expect(await told()).toEqual([2, 1.3]);
    await system.producer.feedback("a", 0.1);
    expect(await told()).toEqual([2, 0.5]);
  });

  it("puts durations into the buckets where they belong, and leaves crashed attempts out", async () => {
    await using at = await openNamespace();
    await using monitor = await openMonitor(at);
    const day = at.keys.usageDay(dayOf(Date.now()));
    const field = (name: string): string => `openai|gpt-6-luna|${name}`;
    // Buckets are 2^(n/4) ms: 90 ms, 1 s, 8.2 s, 131 s.
    const buckets = { [field("ms:26")]: 2, [field("ms:40")]: 3, [field("ms:52")]: 4, [field("ms:68")]: 1 };
    const sums = { [field("requests")]: 12, [field("failures")]: 3, [field("durationMs")]: 180_500 };
    await at.redis.hset(day, { ...buckets, ...sums, [field("outcome:timeout")]: 1, [field("outcome:crashed")]: 2 });
    const metrics = await scrape(monitor);
    const below = (le: string) => valueOf(metrics, "puppet_attempt_duration_seconds_bucket", { ...LUNA, le });
    expect(["0.1", "0.5", "1", "2.5", "5", "10", "60", "120", "+Inf"].map(below)).toEqual([2, 2, 2, 5, 5, 9, 9, 9, 10]);
    expect(valueOf(metrics, "puppet_attempt_duration_seconds_sum", LUNA)).toBe(180.5);
    expect(valueOf(metrics, "puppet_attempts_total", { ...LUNA, outcome: "crashed" })).toBe(2);
    expect(valueOf(metrics, "puppet_orphans_total", LUNA)).toBe(2);
    expect(valueOf(metrics, "puppet_attempts_total", { ...LUNA, outcome: "succeeded" })).toBe(9);
  });

  it("adds up the days, and counts a price that is not known apart from the cost", async () => {
    await using at = await openNamespace();
    await using monitor = await openMonitor(at);
    const hours = 3600_000;
    for (const ago of [0, 24 * hours, 300 * 24 * hours]) {
      const day = at.keys.usageDay(dayOf(Date.now() - ago));
      await at.redis.hset(day, { "local|m|requests": 2, "local|m|unpriced": 1, "local|m|costPicoUsd": 2_500_000 });
    }
    const metrics = await scrape(monitor);
    const labels = { provider: "local", model: "m" };
    expect(valueOf(metrics, "puppet_cost_today_usd", labels)).toBe(0.000_002_5);
    expect(valueOf(metrics, "puppet_attempts_total", { ...labels, outcome: "succeeded" })).toBe(6);
    expect(valueOf(metrics, "puppet_unpriced_total", labels)).toBe(3);
    expect(valueOf(metrics, "puppet_cost_usd_total", labels)).toBe(0.000_007_5);
  });

  it("escapes names that hold quotes, backslashes, line ends or braces", async () => {
    await using at = await openNamespace();
    await using monitor = await openMonitor(at);
    const hostile = 'a"b\\c\nd\\n"} 1 # {é';
    await at.redis.hset(at.keys.usageDay(dayOf(Date.now())), {
      [`openai|${hostile}|requests`]: 7,
      [`openai|${hostile}|ms:40`]: 7,
    });
    await claimJobs(at.redis, at.namespace, { requests: [], lanes: new Map([["lane", `openai/${hostile}`]]) });
    const metrics = await scrape(monitor);
    const labels = { provider: "openai", model: hostile };
    expect(valueOf(metrics, "puppet_attempts_total", { ...labels, outcome: "succeeded" })).toBe(7);
    expect(valueOf(metrics, "puppet_attempt_duration_seconds_count", labels)).toBe(7);
    expect(valueOf(metrics, "puppet_lane_jobs", { lane: `openai/${hostile}`, state: "waiting" })).toBe(0);
  });

  it("tells how many jobs a lane has in each state, and how old the oldest is", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const [ada, nori] = ["openai/gpt-6-luna > grok/grok-4.3", "openai/gpt-6-luna"];
    const jobs = system.lane("openai~gpt-6-luna");
    const now = Date.now();
    await jobs.add("g", {}, { priority: 5, timestamp: now - 600_000 });
    await jobs.add("g", {}, { priority: 9, timestamp: now - 500_000 });
    await jobs.add("g", {}, { timestamp: now - 700_000 });
    await jobs.add("g", {}, { timestamp: now - 400_000 });
    await jobs.add("g", {}, { timestamp: now - 800_000, delay: 3600_000 });
    const metrics = await scrape(monitor);
    const count = (lane: string, state: string) => valueOf(metrics, "puppet_lane_jobs", { lane, state });
    expect(["waiting", "active", "delayed", "failed"].map((state) => count(nori, state))).toEqual([4, 0, 1, 0]);
    expect(["waiting", "active", "delayed", "failed"].map((state) => count(ada, state))).toEqual([0, 0, 0, 0]);
    const oldest = valueOf(metrics, "puppet_lane_oldest_seconds", { lane: nori });
    expect(oldest).toBeGreaterThanOrEqual(700);
    expect(oldest).toBeLessThan(800);
    expect(valueOf(metrics, "puppet_lane_oldest_seconds", { lane: ada })).toBe(0);
    expect(count("quarantine", "waiting")).toBe(0);
  });

  it("counts failed jobs and jobs in work", async () => {
    await using openai = await startRecordedServer(recordedAnswer("openai/400-invalid-type.json"), () => undefined);
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.startWorker();
    await system.run({ id: "a", kind: "tweet", agent: "nori" });
    await system.producer.enqueue({ id: "b", kind: "tweet", agent: "nori" });
    await openai.seen(2);
    await system.queued("openai~gpt-6-luna", "a", "failed");
    const metrics = await scrape(monitor);
    const count = (state: string) => valueOf(metrics, "puppet_lane_jobs", { lane: "openai/gpt-6-luna", state });
    expect({ failed: count("failed"), active: count("active") }).toEqual({ failed: 1, active: 1 });
  });

  it("is right in an empty namespace, and names no agent, prompt or text", async () => {
    await using openai = await startRecordedServer(completionAnswer({ text: "Looms came first." }));
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    expect(valueOf(await scrape(monitor), "puppet_workers")).toBe(0);
    await system.startWorker();
    await system.run({ id: "secret-id", kind: "tweet", agent: "nori", context: { topic: "copper pans" } });
    const { text } = await monitor.send("/metrics");
    for (const word of ["nori", "secret-id", "copper", "Looms"]) expect(text).not.toContain(word);
  });
});

describe("the reader of these tests refuses", () => {
  const head = "# HELP m a metric\n# TYPE m counter\n";
  it.each([
    ["a sample without TYPE", "m 1\n", "not below its TYPE"],
    ["an open last line", `${head}m 1`, "the last line has no end"],
    ["a quote that is not escaped", `${head}m{a="b"c"} 1\n`, "no labels"],
    ["an unknown escape", `${head}m{a="\\t"} 1\n`, "no labels"],
    ["the same series twice", `${head}m{a="b",c="d"} 1\nm{c="d",a="b"} 2\n`, "twice"],
    ["a word for a number", `${head}m one\n`, "no number"],
    ["a comma at the end", `${head}m{a="b",} 1\n`, "no labels"],
    ["buckets that shrink", histogram(3, 2, 2), "not cumulative"],
    ["a count that is not the last bucket", histogram(1, 2, 3), "count or sum"],
  ])("%s", (_, text, message) => {
    expect(() => parseMetrics(text)).toThrow(message);
    expect(parseMetrics(histogram(1, 2, 2)).get("h")?.samples).toHaveLength(4);
  });

  function histogram(first: number, infinite: number, count: number): string {
    const buckets = `h_bucket{le="1"} ${first}\nh_bucket{le="+Inf"} ${infinite}`;
    return `# HELP h a histogram\n# TYPE h histogram\n${buckets}\nh_sum 1.5\nh_count ${count}\n`;
  }
});
