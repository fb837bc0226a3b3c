import { controlKeys, type ControlKeys } from "../admission/keys.ts";
import { releaseLease, takeLease } from "../platform/lease.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { rankOf, type ActiveAlert } from "./alert.ts";
import type { AlertRecord, AlertRecords } from "./alert-book.ts";
import type { AttemptSample } from "./attempt-rate.ts";
import type { SentRecord, SentRecords } from "./notifications.ts";

/** How the webhook does. */
export interface ReceiverState {
  /** Sends in a row that failed. */
  readonly failures: number;
  /** Why the last one did; `null`: it did not. */
  readonly problem: string | null;
  /** Nothing is sent before, epoch ms. */
  readonly retryAt: number;
}

/** What `readAlerts` tells. */
export interface AlertsReport {
  /** When a process looked last, epoch ms; `null`: none has. Two minutes ago, say: nobody looks any more. */
  readonly lookedAt: number | null;
  /** Critical ones first, then in order of time. */
  readonly alerts: readonly ActiveAlert[];
  /** Why the last alert could not be sent; `null`: it could, or none was to be. */
  readonly webhookProblem: string | null;
}

/** The alerts that are not over, as the last look has left them. One round trip; reads only. */
export async function readAlerts(redis: RedisClient, namespace: string): Promise<AlertsReport> {
  const store = new AlertStore(redis, namespace);
  const [records, sent, watch] = await Promise.all([store.records(), store.sent(), store.watch()]);
  const alerts = [...records].flatMap(([key, record]) => activeOf(record, sent.get(key)) ?? []);
  return {
    lookedAt: watch.lookedAt,
    alerts: alerts.sort((a, b) => rankOf(a) - rankOf(b) || a.sinceAt - b.sinceAt),
    webhookProblem: watch.receiver.problem,
  };
}

function activeOf(record: AlertRecord, sent: SentRecord | undefined): ActiveAlert | null {
  if (record.state !== "firing") return null;
  const { alertId, kind, subject, severity, message, details, sinceAt } = record;
  const sentAt = sent?.alertId === alertId ? sent.at : null;
  return { alertId, kind, subject, severity, message, details, sinceAt, sentAt };
}

/** Nobody has looked for so long: what was known is worth nothing. */
const KEPT_MS = 7 * 24 * 3600_000;
const WELL: ReceiverState = { failures: 0, problem: null, retryAt: 0 };

/** Who looks, and who sends: two tasks, because not every process need know the webhook. */
export type AlertTask = "look" | "send";

/** What is in Redis of alerts. What is read was written by us. */
export class AlertStore {
  readonly #redis: RedisClient;
  readonly #keys: ControlKeys;

  constructor(redis: RedisClient, namespace: string) {
    this.#redis = redis;
    this.#keys = controlKeys(namespace);
  }

  async records(): Promise<AlertRecords> {
    return parsed<AlertRecord>(await this.#redis.hgetall(this.#keys.alerts));
  }

  async sent(): Promise<SentRecords> {
    return parsed<SentRecord>(await this.#redis.hgetall(this.#keys.alertsSent));
  }

  async watch(): Promise<{ lookedAt: number | null; samples: readonly AttemptSample[]; receiver: ReceiverState }> {
    const { lookedAt, samples, receiver } = await this.#redis.hgetall(this.#keys.alertWatch);
    return {
      lookedAt: lookedAt === undefined ? null : Number(lookedAt),
      samples: samples === undefined ? [] : (JSON.parse(samples) as AttemptSample[]),
      receiver: receiver === undefined ? WELL : (JSON.parse(receiver) as ReceiverState),
    };
  }

  /** Everything that a look has changed, at once. @param known as they were before */
  async saveLook(known: AlertRecords, records: AlertRecords, look: SavedLook): Promise<void> {
    const { alerts, alertWatch } = this.#keys;
    const gone = [...known.keys()].filter((key) => !records.has(key));
    const change = this.#redis.multi();
    if (gone.length > 0) change.hdel(alerts, ...gone);
    if (records.size > 0) change.hset(alerts, written(records)).pexpire(alerts, KEPT_MS);
    change.hset(alertWatch, { lookedAt: look.now, samples: JSON.stringify(look.samples) }).pexpire(alertWatch, KEPT_MS);
    await change.exec();
  }

  async noteSent(key: string, record: SentRecord): Promise<void> {
    const { alertsSent } = this.#keys;
    await this.#redis.hset(alertsSent, key, JSON.stringify(record));
    await this.#redis.pexpire(alertsSent, KEPT_MS);
  }

  async forgetSent(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#redis.hdel(this.#keys.alertsSent, ...keys);
  }

  async noteReceiver(state: ReceiverState): Promise<void> {
    await this.#redis.hset(this.#keys.alertWatch, "receiver", JSON.stringify(state));
  }

  /** One process does it at a time. @returns false: another does */
  async lease(task: AlertTask, owner: string, forMs: number): Promise<boolean> {
    return await takeLease(this.#redis, { key: this.#keys.alertLease(task), owner }, forMs);
  }

  /** Others need not wait until it ends. */
  async release(task: AlertTask, owner: string): Promise<void> {
    await releaseLease(this.#redis, { key: this.#keys.alertLease(task), owner });
  }
}

export interface SavedLook {
  /** Epoch ms. */
  readonly now: number;
  readonly samples: readonly AttemptSample[];
}

function parsed<Value>(hash: Readonly<Record<string, string>>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(hash).map(([key, json]) => [key, JSON.parse(json) as Value]));
}

function written(records: ReadonlyMap<string, unknown>): Record<string, string> {
  return Object.fromEntries([...records].map(([key, record]) => [key, JSON.stringify(record)]));
}
