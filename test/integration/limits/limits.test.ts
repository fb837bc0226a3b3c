import { expect, it } from "vitest";
import { NORI } from "../../support/generation-system.ts";
import { startLimitedVendor, type LimitedVendor, type LimitedVendorOptions } from "../../support/limited-vendor.ts";
import { startFleet } from "../../support/worker-fleet.ts";

const PROCESSES = 3;

interface Case {
  readonly vendor: LimitedVendorOptions;
  /** What the configuration file says of OpenAI; absent: nothing. */
  readonly configured?: Readonly<Record<string, number>>;
  readonly jobs: number;
}

/** 15 a second, and 15 at once. */
const REQUESTS: Case = { vendor: { requestsPerMinute: 900 }, jobs: 75 };
/** About 15 answers a second. */
const TOKENS: Case = { vendor: { tokensPerMinute: 90_000 }, jobs: 75 };

/** Works a rush of jobs off, and asserts what is true whatever was known of the limits. */
async function workOff({ vendor: options, configured, jobs }: Case): Promise<LimitedVendor> {
  await using vendor = await startLimitedVendor({ medianLatencyMs: 30, ...options });
  const limits = configured === undefined ? [] : [{ provider: "openai", ...configured }];
  // One attempt only: a refusal that tells how long to wait must not spend it.
  const settings = { limits, retries: { attempts: 1 } };
  await using fleet = await startFleet({ processes: PROCESSES, openai: vendor, settings, agents: [NORI] });
  const results = await fleet.results(await fleet.enqueue(jobs, { name: "job", agent: "nori" }));

  expect(results.filter(({ status }) => status === "succeeded")).toHaveLength(jobs);
  const failures = results.flatMap(({ attempts }) => attempts.slice(0, -1).map(({ outcome }) => outcome));
  const { accepted, refused, tokens } = vendor.counts();
  expect(failures).toEqual(Array.from({ length: refused }, () => "rate-limited"));
  const rows = await fleet.expectAccounted(vendor.calls.length);
  const used = rows.reduce((sum, { usage }) => sum + (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0), 0);
  expect({ accepted, tokens }, "the vendor's ledger = jobs and usage rows").toEqual({ accepted: jobs, tokens: used });
  for (const attempts of fleet.attemptsByWorker()) expect(attempts, "every process takes part").toBeGreaterThan(0);
  return vendor;
}

it.each<[string, Case]>([
  ["of requests, configured", { ...REQUESTS, configured: { requestsPerMinute: 900, burstSeconds: 0.7 } }],
  ["of tokens, configured", { ...TOKENS, configured: { tokensPerMinute: 90_000, burstSeconds: 0.7 } }],
])("three processes keep a limit %s: nothing is refused", async (_, options) => {
  expect((await workOff(options)).counts().refused).toBe(0);
});

it.each<[string, Case]>([
  // The first call is alone until its answer has told the limit.
  ["of requests", REQUESTS],
  ["of tokens", TOKENS],
])("a limit %s which only headers tell: hardly anything is refused", async (_, options) => {
  const { refused } = (await workOff(options)).counts();
  // The burst that follows the first answer finds processes that have never called: on a busy machine their first calls
  // are late, and closer to those after them than they should be.
  expect(refused).toBeLessThan(options.jobs / 25);
});

const HALF_TOO_HIGH = { requestsPerMinute: 1350 };

it.each<[string, Case]>([
  ["of requests, and headers tell so", { ...REQUESTS, configured: HALF_TOO_HIGH }],
  [
    "of requests, and nothing but refusals tells so",
    { ...REQUESTS, vendor: { requestsPerMinute: 900, limitHeaders: false }, configured: HALF_TOO_HIGH },
  ],
  ["of tokens, and headers tell so", { ...TOKENS, configured: { tokensPerMinute: 135_000 } }],
])("a limit %s, configured half too high: few refusals, and none spends an attempt", async (_, options) => {
  const { refused } = (await workOff(options)).counts();
  // At the configured pace a third of all calls would be refused: half as many as there are jobs.
  expect(refused).toBeLessThan(options.jobs / 5);
});

it("a request that is larger than a whole limit fails at once, without a call", async () => {
  await using vendor = await startLimitedVendor();
  const settings = { limits: [{ provider: "openai", tokensPerMinute: 100 }] };
  await using fleet = await startFleet({ processes: 1, openai: vendor, settings, agents: [NORI] });
  const [result] = await fleet.results(await fleet.enqueue(1, { name: "job", agent: "nori" }));
  expect(result).toMatchObject({ status: "failed", attempts: [], costMicroUsd: 0 });
  expect(result?.status === "failed" && result.reason).toMatch(
    /^openai\/gpt-6-luna: it needs about \d{3} tokens, and the limit is 100 tokens per minute$/,
  );
  expect(vendor.calls).toEqual([]);
  await fleet.expectAccounted(0);
});
