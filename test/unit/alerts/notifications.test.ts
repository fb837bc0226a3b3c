import { describe, expect, it } from "vitest";
import { lastHourOf, withSample, type AttemptSample } from "../../../src/alerts/attempt-rate.ts";
import type { AlertRecord } from "../../../src/alerts/alert-book.ts";
import { dueNotifications, withoutTold, type SentRecord } from "../../../src/alerts/notifications.ts";
import { alertMessage } from "../../../src/alerts/webhook.ts";
import { MINUTE_MS, NOW } from "./facts.ts";

const HOUR_MS = 60 * MINUTE_MS;
const RULES = { repeatMs: 4 * HOUR_MS, now: NOW };

function alertOf(subject: string, parts: Partial<AlertRecord> = {}): [string, AlertRecord] {
  const record = {
    ...({ kind: "key-refused", subject, severity: "critical", message: "m", details: {}, alertId: "a1" } as const),
    ...{ state: "firing" as const, sinceAt: NOW, firstSeenAt: NOW, seenAt: NOW, quietLooks: 0, resolvedAt: null },
    ...parts,
  };
  return [`${record.kind}:${subject}`, record];
}

const RESOLVED = { state: "resolved", resolvedAt: NOW - MINUTE_MS } as const;
const sentOf = (parts: Partial<SentRecord> = {}): SentRecord => ({
  ...{ alertId: "a1", state: "firing", count: 1, at: NOW - HOUR_MS },
  ...parts,
});

describe("what is to be sent", () => {
  it.each<[string, Partial<AlertRecord>, SentRecord | null, string[]]>([
    ["an alert that nobody was told of", {}, null, ["firing 1"]],
    ["not one that is pending", { state: "pending" }, null, []],
    ["not one that was told lately", {}, sentOf(), []],
    ["one that was told long ago", {}, sentOf({ count: 3, at: NOW - 4 * HOUR_MS }), ["firing 4"]],
    ["one that happens again", {}, sentOf({ alertId: "a0", state: "resolved" }), ["firing 1"]],
    ["the end", RESOLVED, sentOf({ count: 2 }), ["resolved 3"]],
    ["not the end of what nobody was told of", RESOLVED, null, []],
    ["not the end twice", RESOLVED, sentOf({ state: "resolved" }), []],
  ])("%s", (_, parts, sent, expected) => {
    const [key, record] = alertOf("k", parts);
    const due = dueNotifications(new Map([[key, record]]), new Map(sent === null ? [] : [[key, sent]]), RULES);
    expect(due.map(({ state, number }) => `${state} ${number}`)).toEqual(expected);
  });

  it("critical alerts first, then the oldest", () => {
    const records = new Map([
      alertOf("warning", { severity: "warning", sinceAt: NOW - 9 }),
      alertOf("new", { sinceAt: NOW - 1 }),
      alertOf("old", { sinceAt: NOW - 5 }),
    ]);
    const due = dueNotifications(records, new Map(), RULES);
    expect(due.map(({ alert }) => alert.subject)).toEqual(["old", "new", "warning"]);
  });
});

describe("what is over", () => {
  const isKept = (parts: Partial<AlertRecord>, sent: SentRecord | null): boolean => {
    const [key, record] = alertOf("k", parts);
    return withoutTold(new Map([[key, record]]), new Map(sent === null ? [] : [[key, sent]]), NOW).size > 0;
  };

  it("is forgotten once that is told, or when nobody was told of it or can be", () => {
    expect(isKept({}, null)).toBe(true);
    expect(isKept(RESOLVED, sentOf())).toBe(true);
    expect(isKept(RESOLVED, sentOf({ state: "resolved" }))).toBe(false);
    expect(isKept(RESOLVED, null), "it may be on its way").toBe(true);
    expect(isKept({ ...RESOLVED, resolvedAt: NOW - 11 * MINUTE_MS }, null)).toBe(false);
    expect(isKept({ ...RESOLVED, resolvedAt: NOW - 25 * HOUR_MS }, sentOf())).toBe(false);
  });

  it("stays bounded while the receiver is away", () => {
    const records = new Map(
      Array.from({ length: 300 }, (_, index) => alertOf(`k${index}`, { ...RESOLVED, resolvedAt: NOW - index })),
    );
    const sent = new Map([...records.keys()].map((key) => [key, sentOf()]));
    const kept = withoutTold(new Map([...records, alertOf("firing")]), sent, NOW);
    expect([kept.size, kept.has("key-refused:k0"), kept.has("key-refused:k299")]).toEqual([201, true, false]);
  });
});

describe("the calls of the last hour", () => {
  const sample = (minutesAgo: number, attempts: number, orphans: number, day = "2026-11-23"): AttemptSample => ({
    ...{ at: NOW - minutesAgo * MINUTE_MS, totals: { [day]: { attempts, orphans } } },
  });

  it("are what was added since the sample of an hour ago, or since the first", () => {
    const samples = [sample(65, 100, 1), sample(60, 200, 2), sample(55, 300, 3)];
    expect(lastHourOf(samples, sample(0, 1000, 12))).toEqual({ attempts: 800, orphans: 10 });
    expect(lastHourOf(samples.slice(2), sample(0, 1000, 12))).toEqual({ attempts: 700, orphans: 9 });
    expect(lastHourOf([], sample(0, 1000, 12)), "whoever begins to look knows of none").toEqual({
      attempts: 0,
      orphans: 0,
    });
    expect(lastHourOf([sample(600, 0, 0)], sample(0, 1000, 12)), "nobody has looked for hours").toEqual({
      ...{ attempts: 0, orphans: 0 },
    });
  });

  it("go over midnight, and never below nothing when an orphan has come back", () => {
    const before = sample(60, 900, 5, "2026-11-22");
    const totals = { "2026-11-22": { attempts: 950, orphans: 3 }, "2026-11-23": { attempts: 20, orphans: 1 } };
    expect(lastHourOf([before], { at: NOW, totals })).toEqual({ attempts: 70, orphans: 0 });
  });

  it("are noted every five minutes, for about an hour", () => {
    let samples: readonly AttemptSample[] = [];
    for (let minute = 300; minute >= 0; minute--) samples = withSample(samples, sample(minute, 0, 0));
    expect(samples.map(({ at }) => (NOW - at) / MINUTE_MS)).toEqual([
      65, 60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 5, 0,
    ]);
  });
});

it("the text of a message is one line, without what chats take for markup", () => {
  const parts = {
    ...({ id: "a1.1", alertId: "a1", kind: "lane-stuck", subject: "a/b > c/d", severity: "critical" } as const),
    ...{ message: "3 jobs wait in lane a/b > c/<!channel>", namespace: "puppet", sinceAt: "", sentAt: "", details: {} },
  } as const;
  expect(alertMessage({ ...parts, state: "firing" }).text).toBe(
    "[CRITICAL] lane-stuck (puppet): 3 jobs wait in lane a/b → c/!channel",
  );
  expect(alertMessage({ ...parts, state: "resolved" }).text).toBe(
    "[RESOLVED] lane-stuck (puppet): it is over: a/b → c/d",
  );
});
