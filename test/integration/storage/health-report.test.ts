import { expect, it } from "vitest";
import type { Admission, AdmitRequest, Grant, Pause } from "../../../src/admission/admission.ts";
import type { AdmissionPolicy, ConfiguredLimits } from "../../../src/admission/limit-policy.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import type { LimitReport } from "../../../src/providers/provider.ts";
import { readCalls } from "../../../src/storage/last-calls.ts";
import { readHealth, type GroupHealth, type HealthReport } from "../../../src/storage/health-report.ts";
import {
  POLICY,
  TARGET,
  admissionOf,
  admitRequestOf,
  failedRow,
  intentOf,
  openNamespace,
  settlementOf,
  succeededRow,
  type TestNamespace,
} from "../../support/attempts.ts";
import { waitFor } from "../../support/wait-for.ts";

const { budgets: NO_BUDGETS } = POLICY;
const REST = { dayEndsIn: "UTC", burstSeconds: 1, tokensCounted: "used" } as const;
const GROUP = TARGET.limitGroup;
const HOUR_MS = 3600_000;

async function health(at: TestNamespace, now = Date.now(), budgets = NO_BUDGETS): Promise<HealthReport> {
  return await readHealth(at.redis, at.namespace, { now, budgets });
}

async function onlyGroup(at: TestNamespace, now = Date.now()): Promise<GroupHealth> {
  const { groups } = await health(at, now);
  expect(groups).toHaveLength(1);
  return groups[0] as GroupHealth;
}

async function grantOf(admission: Admission, jobId: string, changes: Partial<AdmitRequest> = {}): Promise<Grant> {
  const reply = await admission.admit(admitRequestOf(jobId, changes));
  if (reply.answer !== "granted") throw new Error(`${jobId}: ${JSON.stringify(reply)}`);
  return reply;
}

interface Ending {
  readonly health?: "good" | "bad" | "neutral";
  readonly limits?: readonly LimitReport[];
  readonly pause?: Pause;
}

async function settle(admission: Admission, grant: Grant, row: UsageRecord, ending: Ending = {}): Promise<void> {
  const { health: verdict = "good", limits = [], pause = null } = ending;
  await admission.settle(settlementOf(row, { report: { grant, limits, health: verdict }, pause }));
}

/** Makes one call that ends like this. */
async function call(
  admission: Admission,
  jobId: string,
  ending: Ending & { readonly row?: Partial<UsageRecord>; readonly request?: Partial<AdmitRequest> } = {},
): Promise<void> {
  const grant = await grantOf(admission, jobId, ending.request);
  const rowOf = (ending.row?.outcome ?? "succeeded") === "succeeded" ? succeededRow : failedRow;
  await settle(admission, grant, rowOf(grant.intent, ending.row), ending);
}

it("says nothing of a namespace without calls", async () => {
  await using at = await openNamespace();
  expect(await health(at)).toEqual({ groups: [], pausedKeys: [], budgets: [] });
});

it("tells of a limit group how its last calls ended, its latest error and how many calls were granted", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  for (const [index, durationMs] of [100, 200, 300].entries())
    await call(admission, `s${index}`, { row: { durationMs } });
  await call(admission, "f", { row: { outcome: "overloaded", durationMs: 400, message: "HTTP 503" } });
  await call(admission, "a", { row: { outcome: "aborted", durationMs: 9999, message: "aborted" } });
  const group = await onlyGroup(at);
  expect(group).toEqual({
    ...{ name: GROUP, provider: "openai", state: "ok", why: null, untilAt: null, callsGranted: 5 },
    // What we broke off ourselves is a call, and neither a success nor a failure.
    ...{ calls: 5, successShare: 0.75, p50Ms: 200, p95Ms: 400, lastSucceededAt: expect.any(Number) as number },
    ...{ callsPerMinute: 5, requestsPerMinute: null },
    lastError: { outcome: "aborted", message: "aborted", at: expect.any(Number) as number },
    limits: {
      ...{ requestsPerMinute: null, isObserved: false, tokensPerMinute: null },
      ...{ inputTokensPerMinute: null, outputTokensPerMinute: null, requestsPerDay: null },
    },
  });
});

it("counts the calls of the last hour only; the last error stays", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  await call(admission, "f", { row: { outcome: "overloaded" } });
  const later = await onlyGroup(at, Date.now() + HOUR_MS + 60_000);
  expect(later).toMatchObject({ calls: 0, successShare: null, p50Ms: null, p95Ms: null, lastSucceededAt: null });
  expect(later.lastError).toMatchObject({ outcome: "overloaded", message: "HTTP 503" });
});

it("tells what calls are held to: the lowest of what is configured and told, for the model before the provider", async () => {
  await using at = await openNamespace();
  const told = { counts: "requests", limit: 500, periodMs: 60_000, remaining: null } as const;
  await call(admissionOf(at.redis, at.namespace), "a", { limits: [told] });
  const heldTo = async (...limits: readonly Partial<ConfiguredLimits>[]): Promise<number | null> => {
    const configured = limits.map((limit) => ({ provider: "openai", model: null, ...REST, ...limit }));
    const query = { now: Date.now(), budgets: NO_BUDGETS, limits: configured };
    return (await readHealth(at.redis, at.namespace, query)).groups[0]?.requestsPerMinute ?? null;
  };
  expect(await heldTo()).toBe(500);
  expect(await heldTo({ requestsPerMinute: 300 })).toBe(300);
  expect(await heldTo({ requestsPerMinute: 900 })).toBe(500);
  expect(await heldTo({ requestsPerMinute: 300 }, { model: "gpt-6-luna", requestsPerMinute: 400 })).toBe(400);
  expect(await heldTo({ provider: "grok", requestsPerMinute: 1 })).toBe(500);
});

it("works the rate of a busy group out from the last calls, which are all that is kept", () => {
  const now = Date.now();
  const lines = (count: number, everyMs: number): string[] =>
    Array.from({ length: count }, (_, index) => `5 succeeded ${now - index * everyMs}`);
  expect(readCalls(lines(3, 1000), now).callsPerMinute).toBe(3);
  expect(readCalls(lines(100, 1000), now).callsPerMinute).toBe(60);
  // 200 within 10 s: 1,200 a minute.
  expect(readCalls(lines(201, 50), now).callsPerMinute).toBeCloseTo(1206, 0);
});

it("tells the limits that the vendor told", async () => {
  await using at = await openNamespace();
  const report = (counts: LimitReport["counts"], limit: number, periodMs = 60_000): LimitReport => ({
    ...{ counts, limit, periodMs, remaining: null },
  });
  const limits = [
    ...[report("requests", 2400), report("tokens", 200_000), report("inputTokens", 100), report("outputTokens", 50)],
    report("requests", 10_000, 24 * HOUR_MS),
  ];
  await call(admissionOf(at.redis, at.namespace), "a", { limits });
  expect((await onlyGroup(at)).limits).toEqual({
    ...{ requestsPerMinute: 2400, isObserved: false, tokensPerMinute: 200_000 },
    ...{ inputTokensPerMinute: 100, outputTokensPerMinute: 50, requestsPerDay: 10_000 },
  });
});

it("tells the limit that refusals have shown, and how it rises again", async () => {
  await using at = await openNamespace();
  const limits = [{ provider: "openai", model: null, requestsPerMinute: 6, dayEndsIn: "UTC", burstSeconds: 60 }];
  const policy: AdmissionPolicy = { ...POLICY, limits: limits.map((entry) => ({ ...entry, tokensCounted: "used" })) };
  const admission = admissionOf(at.redis, at.namespace, { policy });
  for (const id of ["a", "b", "c"]) await call(admission, id);
  await call(admission, "d", { row: { outcome: "rate-limited", status: 429 }, health: "neutral" });
  const observed = Number(await at.redis.hget(at.keys.limitGroup(GROUP), "observed"));
  const observedAt = Number(await at.redis.hget(at.keys.limitGroup(GROUP), "observedAt"));
  expect(observed).toBeGreaterThan(0);
  const { limits: then } = await onlyGroup(at, observedAt);
  expect(then).toMatchObject({ requestsPerMinute: observed, isObserved: true });
  const { limits: minuteLater } = await onlyGroup(at, observedAt + 60_000);
  expect(minuteLater.requestsPerMinute).toBeCloseTo(observed * 1.12, 6);
});

it.each([
  { why: "rate-limited", state: "rate-limited" },
  { why: "quota-exhausted", state: "paused" },
  { why: "model-not-found", state: "paused" },
] as const)("$why: the limit group is $state until the pause ends", async ({ why, state }) => {
  await using at = await openNamespace();
  const before = Date.now();
  const pause: Pause = { scope: "limit-group", name: GROUP, forMs: 300_000, why };
  const admission = admissionOf(at.redis, at.namespace);
  await call(admission, "a", { row: { outcome: why }, health: "neutral", pause });
  const group = await onlyGroup(at);
  expect(group).toMatchObject({ state, why, lastError: { outcome: why } });
  expect(group.untilAt).toBeGreaterThanOrEqual(before + 299_000);
  expect(await onlyGroup(at, (group.untilAt ?? 0) + 1)).toMatchObject({ state: "ok", why: null, untilAt: null });
});

it("a key that is refused: it is paused for every model, and so are the limit groups of that key alone", async () => {
  await using at = await openNamespace();
  const admission = admissionOf(at.redis, at.namespace);
  const others = ["openai/gpt-6-sol#1a2b3c4d", "openai/gpt-6-luna#99999999", "grok/grok-4.3"];
  for (const [index, limitGroup] of others.entries())
    await call(admission, `o${index}`, { request: { targets: [{ ...TARGET, limitGroup }] } });
  const pause: Pause = { scope: "credential", name: TARGET.credential, forMs: 300_000, why: "authentication" };
  await call(admission, "a", { row: { outcome: "authentication", status: 401 }, health: "neutral", pause });

  const { groups, pausedKeys } = await health(at);
  expect(pausedKeys).toEqual([
    { name: "openai#1a2b3c4d", provider: "openai", why: "authentication", untilAt: expect.any(Number) as number },
  ]);
  expect(groups.map(({ name, state, why }) => ({ name, state, why }))).toEqual([
    { name: "grok/grok-4.3", state: "ok", why: null },
    { name: "openai/gpt-6-luna#1a2b3c4d", state: "paused", why: "authentication" },
    { name: "openai/gpt-6-luna#99999999", state: "ok", why: null },
    { name: "openai/gpt-6-sol#1a2b3c4d", state: "paused", why: "authentication" },
  ]);
  const after = await health(at, (pausedKeys[0]?.untilAt ?? 0) + 1);
  expect(after.pausedKeys).toEqual([]);
  expect(after.groups.map(({ state }) => state)).toEqual(["ok", "ok", "ok", "ok"]);
});

it("the circuit: open until its time, then probing, and recovering when the probe was good", async () => {
  await using at = await openNamespace();
  const breaker = { failureShare: 0.5, minCalls: 2, windowMs: 60_000, openMs: 50 };
  const admission = admissionOf(at.redis, at.namespace, { policy: { ...POLICY, breaker } });
  for (const id of ["a", "b"]) await call(admission, id, { row: { outcome: "overloaded" }, health: "bad" });
  const openUntil = Number(await at.redis.hget(at.keys.limitGroup(GROUP), "breakerUntil"));
  expect(await onlyGroup(at, openUntil - 1)).toMatchObject({ state: "circuit-open", why: null, untilAt: openUntil });
  expect(await onlyGroup(at, openUntil + 1)).toMatchObject({ state: "probing", untilAt: null });

  const probe = await waitFor(async () => await grantOf(admission, "p").catch(() => null));
  expect(await onlyGroup(at)).toMatchObject({ state: "probing", untilAt: null });
  await settle(admission, probe, succeededRow(probe.intent));
  expect(await onlyGroup(at)).toMatchObject({ state: "recovering", untilAt: null });
  await call(admission, "c");
  expect(await onlyGroup(at), "as many successes as the breaker wants").toMatchObject({ state: "ok" });
});

it("today's budgets: the global one, those of providers, and those of agents that have spent something", async () => {
  await using at = await openNamespace();
  const budgets = {
    ...NO_BUDGETS,
    globalMicroUsd: 1000,
    providersMicroUsd: new Map([["grok", 500]]),
    agentMicroUsd: 100,
    agentsMicroUsd: new Map([["bob", 0]]),
  };
  const admission = admissionOf(at.redis, at.namespace, { policy: { ...POLICY, budgets } });
  const startedAt = Date.now();
  const request = (id: string, changes: Partial<UsageRecord>): Partial<AdmitRequest> => ({
    intent: intentOf(id, 1, { startedAt, costMicroUsd: 10, reservedMicroUsd: 10, ...changes }),
  });
  await call(admission, "a", { request: request("a", {}), row: { costMicroUsd: 7.1 } });
  await call(admission, "c", { request: request("c", { agentId: "cy", provider: "grok" }), row: { costMicroUsd: 9 } });
  await grantOf(admission, "open", request("open", {}));

  expect((await health(at, startedAt, budgets)).budgets).toEqual([
    {
      name: "global",
      spentMicroUsd: 16.1,
      heldMicroUsd: 10,
      limitMicroUsd: 1000,
      usedShare: 26.1 / 1000,
      isUsedUp: false,
    },
    {
      name: "provider grok",
      spentMicroUsd: 9,
      heldMicroUsd: 0,
      limitMicroUsd: 500,
      usedShare: 9 / 500,
      isUsedUp: false,
    },
    {
      name: "agent ada",
      spentMicroUsd: 7.1,
      heldMicroUsd: 10,
      limitMicroUsd: 100,
      usedShare: 17.1 / 100,
      isUsedUp: false,
    },
    { name: "agent cy", spentMicroUsd: 9, heldMicroUsd: 0, limitMicroUsd: 100, usedShare: 9 / 100, isUsedUp: false },
  ]);
  const tomorrow = (await health(at, startedAt + 24 * HOUR_MS, budgets)).budgets;
  expect(tomorrow.map(({ name, spentMicroUsd }) => ({ name, spentMicroUsd }))).toEqual([
    { name: "global", spentMicroUsd: 0 },
    { name: "provider grok", spentMicroUsd: 0 },
  ]);
  expect((await health(at, startedAt)).budgets, "none is configured").toEqual([]);
});

it("a budget of nothing is used up", async () => {
  await using at = await openNamespace();
  const { budgets } = await health(at, Date.now(), { ...NO_BUDGETS, globalMicroUsd: 0 });
  expect(budgets).toMatchObject([{ name: "global", spentMicroUsd: 0, usedShare: 1 }]);
});
