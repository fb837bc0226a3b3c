/**
 * What wants a person. Terms: a _finding_ is what the facts say at one look; an _alert_ is a finding that lasts, from when
 * it began until it is over; a _notification_ is what is sent of it: at its beginning, again while it lasts, at its end.
 */

export const ALERT_KINDS = [
  "quota-exhausted",
  "key-refused",
  "model-not-found",
  "certificate",
  "refused-address",
  "breaker-open",
  "budget-warning",
  "budget-reached",
  "lane-stuck",
  "no-worker",
  "orphan-rate",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** `critical`: jobs fail or stand still because of it. */
export type AlertSeverity = "critical" | "warning";

/** What a look at the facts has found. Names and numbers only: no prompt, no text, no vendor's message, no key. */
export interface Finding {
  readonly kind: AlertKind;
  /** What it is about: a key (`openai#1a2b3c4d`), limit group, budget or lane. Together with the kind it is its identity. */
  readonly subject: string;
  readonly severity: AlertSeverity;
  /** One line for people; says what to do. */
  readonly message: string;
  /** Names say the unit. */
  readonly details: Readonly<Record<string, number>>;
  /** Epoch ms, where the facts tell; `null`: since somebody looked. */
  readonly sinceAt: number | null;
}

/** An alert that is not over. */
export interface ActiveAlert extends Omit<Finding, "sinceAt"> {
  /** Of this time that it happens; the same in all of its notifications. */
  readonly alertId: string;
  /** Epoch ms. */
  readonly sinceAt: number;
  /** When it was sent last, epoch ms; `null`: it was not, because there is no webhook or it does not answer. */
  readonly sentAt: number | null;
}

/** When facts are worth an alert. */
export interface AlertRules {
  readonly ignored: readonly AlertKind[];
  /** 0–1, of a budget. */
  readonly warnShare: number;
  readonly laneStuckMs: number;
  /** 0–1, of the calls of the last hour. */
  readonly orphanShare: number;
  readonly orphanMinCount: number;
}

export function keyOf({ kind, subject }: Pick<Finding, "kind" | "subject">): string {
  return `${kind}:${subject}`;
}

/** What is told first. */
export function rankOf({ severity }: Pick<Finding, "severity">): number {
  return severity === "critical" ? 0 : 1;
}
