import { keyOf, type AlertKind, type Finding } from "./alert.ts";

/** What is remembered between two looks. */
export interface AlertRecord extends Omit<Finding, "sinceAt"> {
  /** Of this time that it happens. */
  readonly alertId: string;
  /** `pending`: seen, but not for long enough. `resolved`: over; kept until that is told. */
  readonly state: "pending" | "firing" | "resolved";
  /** Epoch ms. */
  readonly sinceAt: number;
  /** When it was seen first, and last. */
  readonly firstSeenAt: number;
  readonly seenAt: number;
  /** Looks in a row that did not show it. */
  readonly quietLooks: number;
  readonly resolvedAt: number | null;
}

export type AlertRecords = ReadonlyMap<string, AlertRecord>;

export interface Look {
  readonly findings: readonly Finding[];
  /** Whether an alert lasts that is not among the findings. */
  readonly stillHolds: (alert: AlertRecord) => boolean;
  /** Epoch ms. */
  readonly now: number;
  readonly newId: () => string;
}

/** What a look changes. */
export interface Advance {
  readonly records: AlertRecords;
  readonly fired: readonly AlertRecord[];
  readonly resolved: readonly AlertRecord[];
}

/**
 * How long it must be seen before it is an alert; default: once is enough. Of a stuck lane the facts tell how long it is;
 * seen twice: a job that came back from a delay a moment ago looks as if it had always been there.
 */
const PATIENCE_MS: Partial<Record<AlertKind, number>> = { "no-worker": 60_000, "lane-stuck": 1 };
/** So long it must not be seen before it is over; of all kinds for two looks at least. A failing vendor comes and goes. */
const QUIET_MS: Partial<Record<AlertKind, number>> = { "breaker-open": 300_000 };
const QUIET_LOOKS = 2;

/** Of a kind; more are told of together. So nothing that happens to thousands of agents sends thousands of messages. */
const MOST_OF_A_KIND = 10;
const OTHERS = "others";
const NAMED_OTHERS = 5;

/** The next state of all alerts. Pure. */
export function advance(known: AlertRecords, look: Look): Advance {
  const findings = new Map(fold(look.findings, known).map((finding) => [keyOf(finding), finding]));
  const records = new Map<string, AlertRecord>();
  for (const [key, finding] of findings) records.set(key, seen(known.get(key), finding, look));
  for (const [key, record] of known) {
    const next = findings.has(key) ? null : unseen(record, look);
    if (next !== null) records.set(key, next);
  }
  for (const { subject, kind } of look.findings) {
    // A budget that is used up needs no warning any more, and nothing is better because of it.
    if (kind === "budget-reached") records.delete(keyOf({ kind: "budget-warning", subject }));
  }
  const became = (state: AlertRecord["state"]): AlertRecord[] =>
    [...records.values()].filter((record) => record.state === state && known.get(keyOf(record))?.state !== state);
  return { records, fired: became("firing"), resolved: became("resolved") };
}

function seen(known: AlertRecord | undefined, { sinceAt, ...finding }: Finding, { now, newId }: Look): AlertRecord {
  const lasting = known === undefined || known.state === "resolved" ? undefined : known;
  const firstSeenAt = lasting?.firstSeenAt ?? now;
  const isDue = now - firstSeenAt >= (PATIENCE_MS[finding.kind] ?? 0);
  return {
    ...finding,
    alertId: lasting?.alertId ?? newId(),
    state: lasting?.state === "firing" || isDue ? "firing" : "pending",
    sinceAt: lasting?.sinceAt ?? sinceAt ?? now,
    ...{ firstSeenAt, seenAt: now, quietLooks: 0, resolvedAt: null },
  };
}

/** `null`: nobody needs to know of it any more. */
function unseen(record: AlertRecord, { now, stillHolds }: Look): AlertRecord | null {
  if (record.state === "pending") return null;
  if (record.state === "resolved") return record;
  if (stillHolds(record)) return { ...record, quietLooks: 0 };
  const quietLooks = record.quietLooks + 1;
  const isOver = quietLooks >= QUIET_LOOKS && now - record.seenAt >= (QUIET_MS[record.kind] ?? 0);
  return isOver ? { ...record, quietLooks, state: "resolved", resolvedAt: now } : { ...record, quietLooks };
}

/** Those that are known stay themselves; of new ones as many as there is room for, by name. */
function fold(findings: readonly Finding[], known: AlertRecords): Finding[] {
  const isKnown = (finding: Finding): boolean => {
    const state = known.get(keyOf(finding))?.state;
    return state === "firing" || state === "pending";
  };
  return [...Map.groupBy(findings, ({ kind }) => kind)].flatMap(([kind, all]) => {
    const taken = [...known.values()].filter(
      (record) => record.kind === kind && record.state !== "resolved" && record.subject !== OTHERS,
    ).length;
    const fresh = all.filter((finding) => !isKnown(finding)).sort((a, b) => (a.subject < b.subject ? -1 : 1));
    const room = Math.max(0, MOST_OF_A_KIND - taken);
    const alone = [...all.filter(isKnown), ...fresh.slice(0, room)];
    const others = fresh.slice(room);
    return others[0] === undefined ? alone : [...alone, together(others[0], others)];
  });
}

function together({ kind, severity }: Finding, others: readonly Finding[]): Finding {
  const named = others.slice(0, NAMED_OTHERS).map(({ subject }) => subject);
  const names = `${named.join(", ")}${others.length > named.length ? " …" : ""}`;
  const message = `${others.length} more: ${names}; each is as the others of this kind, \`puppet-engine health\` shows them`;
  return { kind, subject: OTHERS, severity, message, details: { alerts: others.length }, sinceAt: null };
}
