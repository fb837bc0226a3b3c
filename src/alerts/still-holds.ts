import type { GroupHealth } from "../storage/health-report.ts";
import type { AlertKind } from "./alert.ts";
import type { AlertFacts } from "./find-alerts.ts";

/** An alert as it was when the facts showed it last. */
export interface KnownAlert {
  readonly kind: AlertKind;
  readonly subject: string;
  /** Epoch ms. */
  readonly seenAt: number;
}

/** So long nobody may have called what was left alone before it is forgotten: a key that was replaced is never called again. */
const LONGEST_UNKNOWN_MS = 3600_000;
/** Where keys share a limit group another key's success says little; this long without a new pause says enough. */
const SHARED_QUIET_MS = 600_000;

/**
 * Whether an alert lasts although the facts do not show it now. After a pause the next call finds out whether it is over,
 * and where there are few calls that takes a while: until one has succeeded nobody knows. Pure. @param now epoch ms
 */
export function stillHolds(alert: KnownAlert, { health: { groups } }: AlertFacts, now: number): boolean {
  const { kind, subject, seenAt } = alert;
  if (now - seenAt > LONGEST_UNKNOWN_MS) return false;
  const called = groups.filter(({ name }) => name === subject);
  switch (kind) {
    case "quota-exhausted":
    case "key-refused":
      return keyStillFails(alert, groups, now);
    case "model-not-found":
    case "certificate":
    case "refused-address":
      return !called.some(succeededSince(seenAt));
    case "breaker-open":
      return called.some(({ state }) => state === "probing");
    case "budget-warning":
    case "budget-reached":
    case "lane-stuck":
    case "no-worker":
    case "orphan-rate":
      return false;
  }
}

function keyStillFails({ subject, seenAt }: KnownAlert, groups: readonly GroupHealth[], now: number): boolean {
  const [provider = "", keyId = ""] = subject.split("#");
  const ofProvider = groups.filter((group) => group.provider === provider);
  const own = ofProvider.filter(({ name }) => name.endsWith(`#${keyId}`));
  if (own.length > 0) return !own.some(succeededSince(seenAt));
  return now - seenAt < SHARED_QUIET_MS || !ofProvider.some(succeededSince(seenAt));
}

function succeededSince(at: number): (group: GroupHealth) => boolean {
  return ({ lastSucceededAt }) => (lastSucceededAt ?? 0) > at;
}
