import { rankOf } from "./alert.ts";
import type { AlertRecord, AlertRecords } from "./alert-book.ts";

/** What was sent last of an alert. */
export interface SentRecord {
  readonly alertId: string;
  readonly state: "firing" | "resolved";
  /** How many notifications of it were sent. */
  readonly count: number;
  /** Epoch ms. */
  readonly at: number;
}

export type SentRecords = ReadonlyMap<string, SentRecord>;

export interface Notification {
  /** As in the records. */
  readonly key: string;
  readonly alert: AlertRecord;
  readonly state: "firing" | "resolved";
  /** Counted from 1; the same when it has to be sent again because nobody knows whether it arrived. */
  readonly number: number;
}

export interface NotificationRules {
  readonly repeatMs: number;
}

/** What is to be sent now, critical alerts first. Pure. @param now epoch ms */
export function dueNotifications(
  records: AlertRecords,
  sent: SentRecords,
  { repeatMs, now }: NotificationRules & { readonly now: number },
): Notification[] {
  const due = [...records].flatMap(([key, alert]): Notification[] => {
    const last = lastOf(alert, sent.get(key));
    const number = (last?.count ?? 0) + 1;
    if (alert.state === "firing" && (last === null || now - last.at >= repeatMs))
      return [{ key, alert, state: "firing", number }];
    // Of what nobody was told nobody needs to know the end.
    if (alert.state === "resolved" && last?.state === "firing") return [{ key, alert, state: "resolved", number }];
    return [];
  });
  return due.sort((a, b) => rankOf(a.alert) - rankOf(b.alert) || a.alert.sinceAt - b.alert.sinceAt);
}

/** The end is told once it could be: an alert that is over is forgotten then, or after a while if it never could. */
const UNTOLD_MS = 600_000;
const LONGEST_UNTOLD_MS = 24 * 3600_000;
/** However many there are while the receiver is away. */
const MOST_RESOLVED = 200;

/** The records without those that are over and need not be told any more. Pure. @param now epoch ms */
export function withoutTold(records: AlertRecords, sent: SentRecords, now: number): AlertRecords {
  const needed = [...records].filter(([key, alert]) => {
    if (alert.resolvedAt === null) return true;
    const last = lastOf(alert, sent.get(key));
    if (last?.state === "resolved") return false;
    return now - alert.resolvedAt < (last === null ? UNTOLD_MS : LONGEST_UNTOLD_MS);
  });
  const resolved = needed.filter(([, { state }]) => state === "resolved");
  const excess = resolved
    .sort(([, a], [, b]) => (a.resolvedAt ?? 0) - (b.resolvedAt ?? 0))
    .slice(0, Math.max(0, resolved.length - MOST_RESOLVED))
    .map(([key]) => key);
  return new Map(needed.filter(([key]) => !excess.includes(key)));
}

/** What was sent of an earlier time that it happened says nothing about this one. */
function lastOf({ alertId }: AlertRecord, last: SentRecord | undefined): SentRecord | null {
  return last?.alertId === alertId ? last : null;
}
