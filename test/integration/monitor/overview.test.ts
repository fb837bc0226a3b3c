import { describe, expect, it } from "vitest";
import type { BulkRun } from "../../../src/job/bulk-run.ts";
import { runsTable } from "../../../src/monitor/pages/runs/runs-table.ts";
import type { LaneState } from "../../../src/queue/lane-states.ts";
import type { GroupHealth } from "../../../src/storage/health-report.ts";
import { configFileSchema } from "../../../src/config/config-file.ts";
import { lanesTable } from "../../../src/monitor/pages/overview/lanes-table.ts";
import { groupsTable } from "../../../src/monitor/pages/overview/groups-table.ts";
import type { Overview } from "../../../src/monitor/pages/overview/read-overview.ts";
import { standing } from "../../../src/monitor/pages/overview/standing.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startSystem } from "../../support/generation-system.ts";
import { testNamespace } from "../../support/redis.ts";
import { openMonitor } from "./open-monitor.ts";

const NOW = Date.UTC(2026, 10, 26, 16, 44);
const HERE = { role: "operator", now: NOW, from: "/" } as const;

const EMPTY: Overview = {
  readiness: { ready: true, problems: [], workers: 1 },
  alerts: { alerts: [], webhookProblem: null, lookedAt: null },
  ...{ lanes: [], groups: [], pausedKeys: [], pauses: [], budgets: [], workers: [], runs: [], usage: null, texts: [] },
};

const GROUP: GroupHealth = {
  ...{ name: "openai/gpt-6-luna#1a2b3c4d", provider: "openai", state: "ok", why: null, untilAt: null, lastError: null },
  ...{ calls: 1, successShare: 1, p50Ms: 1, p95Ms: 1, callsPerMinute: 1, lastSucceededAt: NOW, callsGranted: 1 },
  requestsPerMinute: null,
  limits: {
    ...{ requestsPerMinute: null, isObserved: false, requestsPerDay: null },
    ...{ tokensPerMinute: null, inputTokensPerMinute: null, outputTokensPerMinute: null },
  },
};

const laneOf = (chain: string, counts: Partial<LaneState["counts"]>): LaneState => ({
  lane: { name: chain.replaceAll("/", "~"), chain },
  counts: { waiting: 0, active: 0, delayed: 0, failed: 0, ...counts },
  ...{ oldestAt: null, isPaused: false, operatorPauses: [] },
});

const SPENT = { spentMicroUsd: 2e6, heldMicroUsd: 0, limitMicroUsd: 2e6, usedShare: 1, isUsedUp: true };

/** What a reader sees, on one line. */
const words = ({ markup }: { readonly markup: string }): string => markup.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

describe("a provider that cannot be called", () => {
  const key = { name: "openai#1a2b3c4d", provider: "openai", why: "authentication", untilAt: NOW + 60_000 };
  const sinceAt = NOW;
  it.each<[string, Partial<Overview>, Partial<GroupHealth>]>([
    ["key paused: authentication, 1 min 0 s more", { pausedKeys: [key] }, {}],
    ["key paused: authentication, 1 min 0 s more", { pausedKeys: [key] }, { name: "openai/gpt-6-luna" }],
    ["key paused: authentication, 1 min 0 s more", { pausedKeys: [key] }, { name: "openai" }],
    ["budget used up (global)", { budgets: [{ name: "global", ...SPENT }] }, {}],
    ["budget used up (provider openai)", { budgets: [{ name: "provider openai", ...SPENT }] }, {}],
    ["paused by an operator", { pauses: [{ what: "provider", name: "openai", sinceAt }] }, {}],
  ])("reads %s, and not ok", (told, around, group) => {
    const overview = { ...EMPTY, ...around, groups: [{ ...GROUP, ...group }] };
    const lanes = [laneOf("openai/gpt-6-luna", { delayed: 2 })];
    for (const shown of [groupsTable(overview, HERE), lanesTable({ ...overview, lanes }, HERE)]) {
      expect(words(shown)).toContain(told);
      expect(words(shown)).not.toMatch(/\bok\b/);
    }
    expect(words(lanesTable({ ...overview, lanes }, HERE))).toContain(`held: openai: ${told.replace(/, .*/, "")}`);
  });

  it("is ok when what is paused or spent is another's", () => {
    const other = { ...key, name: "openai#ffffffff" };
    const budgets = [
      { name: "provider grok", ...SPENT },
      { name: "agent ada", ...SPENT },
    ];
    expect(words(groupsTable({ ...EMPTY, groups: [GROUP], pausedKeys: [other], budgets }, HERE))).toContain(" ok ");
  });
});

describe("lanes", () => {
  it("are in the order of their need, and told why they stand still", () => {
    const chain = (model: string): string => `openai/${model}`;
    const lanes = [
      laneOf(chain("idle"), {}),
      laneOf(chain("failed"), { failed: 3 }),
      laneOf(chain("working"), { active: 1, delayed: 4 }),
      laneOf(chain("waiting"), { waiting: 1 }),
      laneOf(chain("held"), { delayed: 1 }),
      { ...laneOf(chain("paused"), { waiting: 1 }), isPaused: true },
    ];
    expect(words(lanesTable({ ...EMPTY, lanes }, HERE))).toMatch(
      /paused paused .*held held: for a limit, or a retry .*waiting waiting .*working working .*failed idle .*idle idle/,
    );
  });

  it("that are idle are folded up, and left out when there are very many", () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => laneOf(`openai/m${100 + index}`, {}));
    const busy = laneOf("openai/z", { waiting: 1 });
    const some = lanesTable({ ...EMPTY, lanes: [...many(30), busy] }, HERE).markup;
    expect(words({ markup: some })).toMatch(/^ .*? openai\/z waiting .* 6 more lanes, idle .*openai\/m129/);
    const very = lanesTable({ ...EMPTY, lanes: [...many(400), busy] }, HERE).markup;
    expect(words({ markup: very })).toMatch(
      /openai\/z waiting .*400 more lanes, not shown: all lanes are in Bull Board/,
    );
    expect(very.length).toBeLessThan(10_000);
    expect(words(lanesTable({ ...EMPTY, lanes: many(400) }, HERE))).toMatch(
      /openai\/m124 idle .*375 more lanes, not shown/,
    );
  });
});

describe("bulk runs", () => {
  const run = (id: string, parts: Partial<BulkRun>): BulkRun => ({
    ...{ id, input: "in.csv", output: "out.jsonl", agent: null, total: 4, state: "running", createdAt: NOW },
    ...{ endedAt: null, done: {}, costMicroUsd: 0, unpriced: 0, isFed: true, etaAt: NOW + 60_000 },
    ...parts,
  });
  it.each<[string, Partial<BulkRun>, RegExp]>([
    ["good", {}, /running .*1 min 0 s/],
    [
      "warn",
      { isFed: false },
      /stopped: nobody feeds it go on with puppet-engine bulk in\.csv --out out\.jsonl --resume (?!.*1 min)/,
    ],
    ["warn", { done: { failed: 1, succeeded: 1 } }, /running, with failures .* 1 failed , 1 succeeded/],
    ["warn", { state: "done", done: { expired: 1, succeeded: 3 } }, /done, with failures/],
    ["bad", { state: "done", done: { failed: 3, expired: 1 } }, /done, all failed/],
    ["idle", { state: "done", done: { succeeded: 4 } }, /done 4 of 4/],
  ])("read %s: %o", (health, parts, told) => {
    const { markup } = runsTable([run("r", parts)], HERE);
    expect(markup).toContain(`<span class="state ${health}">`);
    expect(words({ markup })).toMatch(told);
    expect(markup.includes('href="/results?status=failed"')).toBe((parts.done?.failed ?? 0) > 0);
  });

  it("that are over are folded up when they are many", async () => {
    const namespace = testNamespace();
    await using monitor = await openMonitor({ namespace });
    await using system = await startSystem({ namespace });
    for (let over = 0; over < 11; over++) {
      await system.producer.runs.begin({ id: `over${over}`, input: null, output: null, agent: null, total: 1 });
      await system.producer.runs.setState(`over${over}`, "cancelled");
    }
    await system.producer.runs.begin({ id: "open", input: null, output: null, agent: null, total: 1 });
    const shown = words({ markup: (await monitor.send("/runs")).text });
    expect(shown).toMatch(/ open stopped: .* 11 runs that are over .*over10 cancelled/);
  });
});

describe("what wants a person", () => {
  it("begins with a pause of everything, and has commands as code", () => {
    const problem = "no worker is running; start one with `puppet-engine worker`";
    const readiness = { ready: false, problems: [problem], workers: 0 };
    const pauses = [
      { what: "lane", name: "a", sinceAt: NOW },
      { what: "all", sinceAt: NOW },
    ] as const;
    const lanes = [laneOf("openai/a", { waiting: 1 })];
    const { markup } = standing({ ...EMPTY, readiness, pauses, lanes }, HERE);
    expect(words({ markup })).toMatch(/^ Everything is paused .* Resume everything .*no worker is running.*Lane a is/);
    expect(markup).toContain("<code>puppet-engine worker</code>");
    expect(markup.match(/class="warning"/g)).toHaveLength(2);
    // Nobody has enqueued anything yet.
    expect(standing({ ...EMPTY, readiness }, HERE).markup.match(/class="warning"/g)).toHaveLength(1);
  });

  it("of an open run is shown for five of them", async () => {
    await using openai = await startRecordedServer(completionAnswer());
    await using system = await startSystem({ openai });
    const file = { ...{ input: "in put.csv", output: "out.jsonl" }, agent: "ada", total: 2 };
    for (let run = 0; run < 6; run++) await system.producer.runs.begin({ id: `r${run}`, ...file });
    await using monitor = await openMonitor({ namespace: system.namespace, file: configFileSchema.parse({}) });
    const page = (await monitor.send("/")).text;
    expect(page.match(/<progress/g)).toHaveLength(5);
    expect(words({ markup: page })).toContain("All 6 open runs");
    expect(words({ markup: page })).toContain(
      "go on with puppet-engine bulk &#39;in put.csv&#39; --out out.jsonl --resume --agent ada",
    );
  });
});
