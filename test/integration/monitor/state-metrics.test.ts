import { describe, expect, it } from "vitest";
import { BatchStore } from "../../../src/batch/batch-store.ts";
import { composeOperator } from "../../../src/compose-operator.ts";
import { DEFAULT_CONFIG, configFileSchema } from "../../../src/config/config-file.ts";
import { dayOf } from "../../../src/job/usage-counters.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { createRunBook } from "../../../src/storage/run-book.ts";
import { openNamespace } from "../../support/attempts.ts";
import { startSystem } from "../../support/generation-system.ts";
import { testRedisUrl } from "../../support/redis.ts";
import { openMonitor } from "./open-monitor.ts";
import { valueOf, type Family } from "./parse-metrics.ts";
import { scrape } from "./scrape.ts";

const LUNA = { group: "openai/gpt-6-luna#1a2b3c4d", provider: "openai" };
const SOL = { group: "openai/gpt-6-sol#1a2b3c4d", provider: "openai" };
const GROK = { group: "grok/grok-4.3#99999999", provider: "grok" };
const MINUTE_MS = 60_000;

function statesOf(metrics: ReadonlyMap<string, Family>): string[] {
  const samples = metrics.get("puppet_limit_group_state")?.samples ?? [];
  expect(new Set(samples.map(({ labels }) => labels["state"])).size, "every state is told, with 0 or 1").toBe(6);
  return samples.filter(({ value }) => value === 1).map(({ labels }) => `${labels["group"]} ${labels["state"]}`);
}

function pausedIn(metrics: ReadonlyMap<string, Family>): unknown[] {
  return metrics.get("puppet_paused")?.samples.map(({ labels, value }) => ({ ...labels, value })) ?? [];
}

describe("/metrics tells of limit groups", () => {
  it("whose breaker is open, which one waits for its vendor's time, and how the last calls ended", async () => {
    await using at = await openNamespace();
    await using monitor = await openMonitor(at);
    const until = Date.now() + MINUTE_MS;
    await at.redis.sadd(at.keys.knownLimits, LUNA.group, SOL.group, GROK.group);
    await at.redis.hset(at.keys.limitGroup(LUNA.group), { seen: 1, breaker: "open", breakerUntil: until });
    await at.redis.hset(at.keys.limitGroup(SOL.group), { seen: 1, pausedUntil: until, why: "rate-limited" });
    await at.redis.hset(at.keys.limitGroup(GROK.group), { seen: 1, breaker: "half-open" });
    const calls = ["90 succeeded", "80 overloaded", "70 succeeded", "60 succeeded", "50 aborted"];
    await at.redis.rpush(at.keys.lastCalls(GROK.group), ...calls.map((call) => `${call} ${Date.now()}`));
    const metrics = await scrape(monitor);
    expect(statesOf(metrics)).toEqual([
      `${GROK.group} probing`,
      `${LUNA.group} circuit-open`,
      `${SOL.group} rate-limited`,
    ]);
    const all = [LUNA, SOL, GROK];
    const told = (name: string) => all.map((group) => valueOf(metrics, `puppet_limit_group_${name}`, group));
    expect(told("breaker_open")).toEqual([1, 0, 1]);
    expect(told("blocked_until_timestamp_seconds")).toEqual([until / 1000, until / 1000, 0]);
    expect(told("success_ratio"), "without calls there is no share").toEqual([undefined, undefined, 0.75]);
    expect(pausedIn(metrics), "waiting as the vendor asked is no pause").toEqual([]);
  });

  it("and keys that are paused: each once, with the reason, and not again for each of the key's models", async () => {
    await using at = await openNamespace();
    await using monitor = await openMonitor(at);
    const until = Date.now() + MINUTE_MS;
    await at.redis.sadd(at.keys.knownLimits, LUNA.group, SOL.group, GROK.group, "openai#1a2b3c4d");
    for (const { group } of [LUNA, SOL]) await at.redis.hset(at.keys.limitGroup(group), { seen: 1 });
    await at.redis.hset(at.keys.limitGroup(GROK.group), { seen: 1, pausedUntil: until, why: "model-not-found" });
    await at.redis.hset(at.keys.credential("openai#1a2b3c4d"), { pausedUntil: until, why: "quota-exhausted" });
    const metrics = await scrape(monitor);
    expect(statesOf(metrics)).toEqual([GROK, LUNA, SOL].map(({ group }) => `${group} paused`));
    expect(pausedIn(metrics)).toEqual([
      { what: "key", name: "openai#1a2b3c4d", provider: "openai", reason: "quota-exhausted", value: 1 },
      { what: "limit-group", name: GROK.group, provider: "grok", reason: "model-not-found", value: 1 },
    ]);
  });
});

it("/metrics tells of the budgets that all share, and of none that is an agent's", async () => {
  await using at = await openNamespace();
  const amounts = { globalUsdPerDay: 10, providerUsdPerDay: { grok: 2 }, agentsUsdPerDay: { ada: 1 } };
  const file = { ...DEFAULT_CONFIG, budgets: configFileSchema.parse({ budgets: amounts }).budgets };
  await using monitor = await openMonitor({ ...at, file });
  // Pico-USD.
  const spent = { global: 3e12, "held|global": 5e11, "provider|grok": 1e12, "agent|ada": 2e12 };
  await at.redis.hset(at.keys.spending(dayOf(Date.now())), spent);
  const metrics = await scrape(monitor);
  const amount = (what: string, budget: string) => valueOf(metrics, `puppet_budget_${what}_usd`, { budget });
  const kinds = ["limit", "spent", "held"];
  expect(kinds.map((what) => amount(what, "global"))).toEqual([10, 3, 0.5]);
  expect(kinds.map((what) => amount(what, "provider grok"))).toEqual([2, 1, 0]);
  expect(metrics.get("puppet_budget_limit_usd")?.samples).toHaveLength(2);
});

describe("/metrics tells of lanes", () => {
  it("that an operator has paused, with the command or on the board; their jobs still wait", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const { namespace, producer } = system;
    const [ada, nori] = ["openai/gpt-6-luna > grok/grok-4.3", "openai/gpt-6-luna"];
    await producer.enqueue({ kind: "reply", agent: "nori", mention: "Why copper pans?" });
    const paused = async (): Promise<(number | undefined)[]> => {
      const metrics = await scrape(monitor);
      return [ada, nori, "quarantine"].map((lane) => valueOf(metrics, "puppet_lane_paused", { lane }));
    };
    expect(await paused()).toEqual([0, 0, 0]);
    await using operator = composeOperator({
      config: { namespace, file: DEFAULT_CONFIG },
      address: { url: testRedisUrl() },
    });
    await operator.pause({ what: "provider", name: "openai" });
    expect(await paused(), "the other one has a fall-back").toEqual([0, 1, 0]);
    const waiting = { lane: nori, state: "waiting" };
    expect(valueOf(await scrape(monitor), "puppet_lane_jobs", waiting)).toBe(1);
    await operator.pause({ what: "all" });
    expect(await paused()).toEqual([1, 1, 1]);
    await operator.resume({ what: "all" });
    await system.lane("openai~gpt-6-luna>grok~grok-4.3").pause();
    expect(await paused()).toEqual([1, 0, 0]);
  });
});

it("/metrics counts batches under way, bulk runs, and schedules that nobody looks after", async () => {
  await using at = await openNamespace();
  await using monitor = await openMonitor(at);
  const now = Date.now();
  for (const [id, state] of Object.entries({ a: "submitted", b: "submitted", c: "forming" })) {
    await at.redis.zadd(at.keys.batches, now, id);
    await at.redis.hset(at.keys.batch(id), { state, provider: "openai", model: "m" });
  }
  await new BatchStore(at.redis, at.namespace).end("b", "done", now);
  const book = createRunBook(at.redis, at.namespace, systemClock);
  for (const id of ["r1", "r2", "r3", "r4"]) await book.begin({ id, input: null, output: null, agent: null, total: 1 });
  await book.setState("r2", "paused");
  await book.setState("r3", "done");
  await at.redis.del(at.keys.run("r4"));
  await at.redis.zadd(at.keys.schedulesDue, now - 2 * MINUTE_MS, "ada", now - 1000, "bob", now + MINUTE_MS, "cy");
  const metrics = await scrape(monitor);
  const byState = (name: string): unknown =>
    Object.fromEntries(metrics.get(name)?.samples.map(({ labels, value }) => [labels["state"], value]) ?? []);
  expect(byState("puppet_batches")).toEqual({ forming: 1, submitting: 0, submitted: 1, collecting: 0 });
  expect(byState("puppet_bulk_runs")).toEqual({ running: 1, paused: 1, cancelled: 0, done: 1 });
  expect(valueOf(metrics, "puppet_schedules_overdue")).toBe(1);
});

it("/metrics tells of the monitor's own process", async () => {
  await using at = await openNamespace();
  await using monitor = await openMonitor(at);
  const metrics = await scrape(monitor);
  expect(valueOf(metrics, "puppet_monitor_process_resident_memory_bytes")).toBeGreaterThan(1e6);
  expect(valueOf(metrics, "puppet_monitor_process_cpu_seconds_total")).toBeGreaterThan(0);
  // A second monitor in the same process.
  await using other = await openMonitor(at);
  expect([...(await scrape(other)).keys()]).toEqual([...metrics.keys()]);
});
