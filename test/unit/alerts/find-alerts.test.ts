import { describe, expect, it } from "vitest";
import { ALERT_KINDS, type AlertRules, type Finding } from "../../../src/alerts/alert.ts";
import { PAUSE_KINDS, findAlerts } from "../../../src/alerts/find-alerts.ts";
import { RECOVERY } from "../../../src/generation/recovery.ts";
import {
  GROUP,
  KEY,
  MINUTE_MS,
  NOW,
  RULES,
  backlogOf,
  budgetOf,
  factsOf,
  groupOf,
  pausedKey,
  type GivenFacts,
} from "./facts.ts";

function found(given: GivenFacts, rules: Partial<AlertRules> = {}): Finding[] {
  return findAlerts(factsOf(given), { ...RULES, ...rules }, NOW);
}

/** `quota-exhausted openai#1a2b3c4d` */
function namesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ kind, subject }) => `${kind} ${subject}`);
}

const STILL = { movedAt: NOW - 20 * MINUTE_MS };
const LANE = backlogOf().title;
const paused = { state: "paused", untilAt: NOW + MINUTE_MS } as const;

describe("findAlerts", () => {
  it("finds nothing where nothing is wrong", () => {
    const groups = (["ok", "rate-limited", "probing", "recovering"] as const).map((state) => groupOf({ state }));
    expect(found({ groups, budgets: [budgetOf(7.9)], backlogs: [backlogOf()] })).toEqual([]);
  });

  it.each<[string, GivenFacts, string[]]>([
    ["a key out of money", { pausedKeys: [pausedKey("quota-exhausted")] }, [`quota-exhausted ${KEY}`]],
    ["a refused key", { pausedKeys: [pausedKey("authentication")] }, [`key-refused ${KEY}`]],
    [
      "a key whose limit groups show its pause: once",
      { pausedKeys: [pausedKey("authentication")], groups: [groupOf({ ...paused, why: "authentication" })] },
      [`key-refused ${KEY}`],
    ],
    ["an unknown model", { groups: [groupOf({ ...paused, why: "model-not-found" })] }, [`model-not-found ${GROUP}`]],
    ["a bad certificate", { groups: [groupOf({ ...paused, why: "certificate" })] }, [`certificate ${GROUP}`]],
    ["an open breaker", { groups: [groupOf({ state: "circuit-open" })] }, [`breaker-open ${GROUP}`]],
    ["a budget at its warning share", { budgets: [budgetOf(8)] }, ["budget-warning global"]],
    ["not what is only held of a budget", { budgets: [budgetOf(7, { heldMicroUsd: 3e6, usedShare: 1 })] }, []],
    ["a budget that is spent: only that", { budgets: [budgetOf(10)] }, ["budget-reached global"]],
    ["a budget whose rest is too little", { budgets: [budgetOf(9.9, { isUsedUp: true })] }, ["budget-reached global"]],
    [
      "not a budget of nothing: it is meant so",
      { budgets: [budgetOf(0, { limitMicroUsd: 0, usedShare: 1, isUsedUp: true })] },
      [],
    ],
    ["a lane in which nothing moves", { backlogs: [backlogOf(STILL)] }, [`lane-stuck ${LANE}`]],
    ["a lane in which nothing ever moved", { backlogs: [backlogOf({ movedAt: null })] }, [`lane-stuck ${LANE}`]],
    ["not a lane whose jobs have just come", { backlogs: [backlogOf({ ...STILL, oldestAt: NOW - 1000 })] }, []],
    ["not a lane that somebody has paused", { backlogs: [backlogOf({ ...STILL, isPaused: true })] }, []],
    [
      "not a lane of a large run, that moves now and then",
      { backlogs: [backlogOf({ ready: 1e6, oldestAt: NOW - 1e9, movedAt: NOW - 14 * MINUTE_MS })] },
      [],
    ],
    ["no worker: only that", { workers: 0, backlogs: [backlogOf(STILL), backlogOf(STILL)] }, ["no-worker workers"]],
    ["no worker that nobody needs", { workers: 0 }, []],
    ["no worker where all is paused", { workers: 0, backlogs: [backlogOf({ isPaused: true })] }, []],
    ["many orphans", { lastHour: { attempts: 200, orphans: 10 } }, ["orphan-rate workers"]],
    ["not few", { lastHour: { attempts: 9, orphans: 9 } }, []],
    ["not many of very many", { lastHour: { attempts: 201, orphans: 10 } }, []],
  ])("finds %s", (_, given, expected) => {
    expect(namesOf(found(given))).toEqual(expected);
  });

  it("finds what stops jobs as critical, what may as a warning, with the fix in the message and numbers", () => {
    const [quota, refused, breaker, used, warned, stuck, orphans] = found({
      pausedKeys: [pausedKey("quota-exhausted"), pausedKey("authentication", "openai#00000000")],
      groups: [groupOf({ state: "circuit-open" })],
      budgets: [budgetOf(10), budgetOf(8.5, { name: "agent ada" })],
      backlogs: [backlogOf(STILL)],
      lastHour: { attempts: 100, orphans: 20 },
    });
    expect(quota).toMatchObject({ severity: "critical", message: expect.stringContaining("top up") as string });
    expect(refused?.message).toBe("the vendor refuses key openai#00000000: replace it and restart the workers");
    expect(breaker).toMatchObject({ severity: "warning", details: { callsLastHour: 20, succeededShare: 0.5 } });
    expect(used).toMatchObject({ severity: "critical", details: { spentUsd: 10, limitUsd: 10 } });
    expect(warned).toMatchObject({
      severity: "warning",
      message: expect.stringMatching(/^85 % .* agent ada;/) as string,
    });
    expect(stuck).toMatchObject({
      severity: "critical",
      details: { jobs: 3, stillMinutes: 20 },
      sinceAt: STILL.movedAt,
    });
    expect(stuck?.message).toMatch(/^3 jobs wait in lane .* no worker has taken one for 20 min: .*worker\.lanes/);
    expect(orphans).toMatchObject({ severity: "warning", details: { attempts: 100, orphans: 20 } });
  });

  it("leaves out kinds that are ignored", () => {
    const given = { pausedKeys: [pausedKey("authentication")], budgets: [budgetOf(10)] };
    expect(namesOf(found(given, { ignored: ["budget-reached"] }))).toEqual([`key-refused ${KEY}`]);
    expect(found(given, { ignored: ALERT_KINDS })).toEqual([]);
  });

  it("has a kind for every error after which something is left alone until somebody acts", () => {
    const pausing = Object.entries(RECOVERY).filter(([, { pauses }]) => pauses !== null);
    expect(Object.keys(PAUSE_KINDS).sort()).toEqual(pausing.map(([kind]) => kind).sort());
  });
});
