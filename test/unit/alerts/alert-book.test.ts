import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/alerts/alert.ts";
import { advance, type Advance, type AlertRecords } from "../../../src/alerts/alert-book.ts";
import { stillHolds, type KnownAlert } from "../../../src/alerts/still-holds.ts";
import { GROUP, KEY, MINUTE_MS, NOW, factsOf, groupOf, type GivenFacts } from "./facts.ts";

const LOOK_MS = 15_000;

function finding(kind: Finding["kind"], subject: string, parts: Partial<Finding> = {}): Finding {
  return { kind, subject, severity: "critical", message: "m", details: {}, sinceAt: null, ...parts };
}

interface Story {
  readonly records: AlertRecords;
  /** `fired quota-exhausted:openai#1a2b3c4d` at each look. */
  readonly events: readonly (readonly string[])[];
}

/** What happens when this is found at looks that follow each other. */
function tell(looks: readonly (readonly Finding[])[], { everyMs = LOOK_MS, holds = (): boolean => false } = {}): Story {
  let ids = 0;
  let records: AlertRecords = new Map();
  const events = looks.map((findings, index) => {
    const look = { findings, stillHolds: holds, now: NOW + index * everyMs, newId: () => `id${++ids}` };
    const step: Advance = advance(records, look);
    ({ records } = step);
    const named = (what: string, alerts: Advance["fired"]): string[] =>
      alerts.map(({ kind, subject, alertId }) => `${what} ${alertId} ${kind}:${subject}`);
    return [...named("fired", step.fired), ...named("over", step.resolved)];
  });
  return { records, events };
}

const QUOTA = finding("quota-exhausted", KEY);
const FIRED = `fired id1 quota-exhausted:${KEY}`;
const OVER = `over id1 quota-exhausted:${KEY}`;

describe("an alert", () => {
  it("fires once while it lasts, keeps its beginning and its id, and shows the latest numbers", () => {
    const later = { ...QUOTA, message: "later", details: { jobs: 2 } };
    const { records, events } = tell([[QUOTA], [QUOTA], [later]]);
    expect(events).toEqual([[FIRED], [], []]);
    expect([...records.values()]).toMatchObject([
      {
        alertId: "id1",
        state: "firing",
        sinceAt: NOW,
        seenAt: NOW + 2 * LOOK_MS,
        message: "later",
        details: { jobs: 2 },
      },
    ]);
  });

  it("is over after two looks without it; one is not enough, and the next time it is another", () => {
    expect(tell([[QUOTA], [], [QUOTA], [], []]).events).toEqual([[FIRED], [], [], [], [OVER]]);
    const again = `fired id2 quota-exhausted:${KEY}`;
    expect(tell([[QUOTA], [], [], [], [QUOTA]]).events).toEqual([[FIRED], [], [OVER], [], [again]]);
  });

  it("is not over while nobody knows whether it is", () => {
    const holds = (): boolean => true;
    expect(tell([[QUOTA], [], [], [], []], { holds }).events.flat()).toEqual([FIRED]);
  });

  it("of a breaker is over after five quiet minutes: a vendor that fails comes and goes", () => {
    const breaker = finding("breaker-open", GROUP);
    const quiet = Array.from({ length: 20 }, () => []);
    const { events } = tell([[breaker], ...quiet]);
    expect(events.flat()).toEqual([`fired id1 breaker-open:${GROUP}`, `over id1 breaker-open:${GROUP}`]);
    expect(events.findIndex(([event]) => event?.startsWith("over"))).toBe((5 * MINUTE_MS) / LOOK_MS);
  });

  it("of missing workers fires after a minute: a restart is none", () => {
    const none = finding("no-worker", "workers");
    expect(tell([[none], [none], [none], [none], [none]]).events).toEqual([
      [],
      [],
      [],
      [],
      ["fired id1 no-worker:workers"],
    ]);
    expect(tell([[none], [none], [], [none], [none]]).events.flat()).toEqual([]);
  });

  it("of a stuck lane fires when it is seen twice, and began when its jobs stood still", () => {
    const stuck = finding("lane-stuck", "a/b", { sinceAt: NOW - 20 * MINUTE_MS });
    const { records, events } = tell([[stuck], [stuck]]);
    expect(events).toEqual([[], ["fired id1 lane-stuck:a/b"]]);
    expect([...records.values()]).toMatchObject([{ sinceAt: NOW - 20 * MINUTE_MS }]);
    expect(tell([[stuck], [], [stuck], []]).events.flat(), "a job that came back from a delay").toEqual([]);
  });

  it("that warns of a budget goes without a word when the budget is used up", () => {
    const warning = finding("budget-warning", "global");
    const reached = finding("budget-reached", "global");
    expect(tell([[warning], [reached], [reached], [], []]).events.flat()).toEqual([
      "fired id1 budget-warning:global",
      "fired id2 budget-reached:global",
      "over id2 budget-reached:global",
    ]);
  });

  it("is told together with others where a kind has more than ten, whatever comes first by name", () => {
    const agents = Array.from({ length: 14 }, (_, index) => finding("budget-reached", `agent a${10 + index}`));
    const first = finding("budget-reached", "agent a00");
    const { records, events } = tell([agents, [first, ...agents], [first, ...agents]]);
    expect(events.map(({ length }) => length)).toEqual([11, 0, 0]);
    const subjects = [...records.values()].map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject === "agent a10" || subject === "agent a00")).toEqual(["agent a10"]);
    expect(records.get("budget-reached:others")).toMatchObject({
      details: { alerts: 5 },
      message: expect.stringMatching(/^5 more: agent a00, agent a20, agent a21, agent a22, agent a23; /) as string,
    });
  });
});

describe("what is left alone after an error", () => {
  const SEEN = NOW - 5 * MINUTE_MS;
  const holds = (kind: KnownAlert["kind"], subject: string, given: GivenFacts, seenAt = SEEN): boolean =>
    stillHolds({ kind, subject, seenAt }, factsOf(given), NOW);
  const ok = groupOf({ lastSucceededAt: SEEN + 1 });
  const silent = groupOf({ lastSucceededAt: SEEN - 1 });
  const other = groupOf({ name: "openai/gpt-6-luna#ffffffff", lastSucceededAt: NOW });
  const shared = groupOf({ name: "openai/gpt-6-luna", lastSucceededAt: NOW });

  it.each<[string, KnownAlert["kind"], string, GivenFacts, boolean]>([
    ["a key that nobody has called since", "quota-exhausted", KEY, { groups: [silent] }, true],
    [
      "a key that works for another model",
      "quota-exhausted",
      KEY,
      { groups: [silent, { ...ok, name: "openai/x#1a2b3c4d" }] },
      false,
    ],
    ["a key where another one works", "key-refused", KEY, { groups: [silent, other] }, true],
    ["a key that works", "key-refused", KEY, { groups: [ok] }, false],
    ["a key that shares its limits, a moment ago", "key-refused", KEY, { groups: [shared] }, true],
    ["a model that nobody has called since", "model-not-found", GROUP, { groups: [silent] }, true],
    ["a model that answers", "model-not-found", GROUP, { groups: [ok] }, false],
    ["a model where another one answers", "certificate", GROUP, { groups: [silent, other] }, true],
    ["a breaker before its probe", "breaker-open", GROUP, { groups: [groupOf({ state: "probing" })] }, true],
    ["a breaker after its probe", "breaker-open", GROUP, { groups: [groupOf({ state: "recovering" })] }, false],
    ["a budget", "budget-reached", "global", {}, false],
  ])("%s: %s of %s", (_, kind, subject, given, expected) => {
    expect(holds(kind, subject, given)).toBe(expected);
  });

  it("is forgotten after an hour without calls, and with shared limits after ten minutes with successes", () => {
    expect(holds("key-refused", KEY, { groups: [silent] }, NOW - 61 * MINUTE_MS)).toBe(false);
    expect(holds("key-refused", KEY, { groups: [shared] }, NOW - 11 * MINUTE_MS)).toBe(false);
  });
});
