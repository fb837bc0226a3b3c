import { randomBytes } from "node:crypto";
import { countWorkers } from "../admission/sweeper.ts";
import type { BudgetRules } from "../admission/limit-policy.ts";
import { dayOf } from "../job/usage-counters.ts";
import { sleep, type Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import type { LaneBacklog } from "../queue/lane-backlog.ts";
import { readHealth } from "../storage/health-report.ts";
import { readModelUsage } from "../storage/usage-report.ts";
import type { AlertKind, AlertRules } from "./alert.ts";
import { advance, type AlertRecord } from "./alert-book.ts";
import { AlertStore } from "./alert-store.ts";
import { lastHourOf, withSample, type AttemptSample, type AttemptTotals } from "./attempt-rate.ts";
import { findAlerts } from "./find-alerts.ts";
import { withoutTold, type NotificationRules } from "./notifications.ts";
import { notify } from "./notifier.ts";
import { stillHolds } from "./still-holds.ts";
import type { Webhook } from "./webhook.ts";

export interface WatcherOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  /** Lanes in which jobs wait. @param now epoch ms */
  readonly readBacklogs: (now: number) => Promise<readonly LaneBacklog[]>;
  readonly rules: AlertRules & NotificationRules;
  readonly budgets: BudgetRules;
  /** `null`: alerts are logged and shown, and not sent by this process. */
  readonly webhook: Webhook | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * It looks only while no worker lives, and only for that: a process without a worker may not have the workers'
   * configuration, and so not their budgets. Default: false.
   */
  readonly isStandIn?: boolean;
  /** Time between two looks; default 15,000. */
  readonly lookEveryMs?: number;
}

/** Looks for what wants a person, and tells. Any number may run: one of them looks, and one that knows the webhook sends. */
export interface AlertWatcher {
  start(): void;
  /** One look, and what follows from it. */
  look(): Promise<void>;
  /** Sends nothing more; waits a moment for what is being done. Disposes the webhook. */
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 15_000;
/** Longer than the longest send, so that no two processes do the same; a dead one is followed after this. */
const LEASE_MS = 40_000;
const LONGEST_CLOSE_MS = 2000;
const DAY_MS = 24 * 3600_000;

export function createAlertWatcher(options: WatcherOptions): AlertWatcher {
  const { webhook, clock, logger, lookEveryMs = LOOK_EVERY_MS } = options;
  const store = new AlertStore(options.redis, options.namespace);
  const owner = randomBytes(8).toString("hex");
  const closing = new AbortController();
  const { signal } = closing;
  let running: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    if (options.isStandIn === true) await standIn(options, { store, owner });
    else if (await store.lease("look", owner, LEASE_MS)) await lookOnce(options, store);
    if (webhook === null) return;
    const stay = async (): Promise<boolean> => await store.lease("send", owner, LEASE_MS);
    if (await stay()) await notify({ ...options, ...options.rules, store, webhook, stay, signal }, clock.now());
  };
  const run = async (): Promise<void> => {
    await sleep(lookEveryMs, signal);
    while (!signal.aborted) {
      // Redis may be away for a while: others tell that, and the next look asks again.
      await look().catch((error: unknown) => logger.debug({ err: error }, "alerts could not be looked for"));
      await sleep(lookEveryMs, signal);
    }
  };
  return {
    look,
    start: () => void (running = run()),
    async close() {
      closing.abort();
      const patience = new AbortController();
      const released = running
        .then(async () => await Promise.all([store.release("look", owner), store.release("send", owner)]))
        .catch(() => undefined);
      await Promise.race([released, sleep(LONGEST_CLOSE_MS, patience.signal)]);
      patience.abort();
      await webhook?.[Symbol.asyncDispose]();
    },
  };
}

/** A worker that comes back need not wait until the lease ends. */
async function standIn(
  options: WatcherOptions,
  { store, owner }: { readonly store: AlertStore; readonly owner: string },
): Promise<void> {
  if ((await countWorkers(options.redis, options.namespace)) > 0) return;
  if (!(await store.lease("look", owner, LEASE_MS))) return;
  await lookOnce(options, store);
  await store.release("look", owner);
}

async function lookOnce(options: WatcherOptions, store: AlertStore): Promise<void> {
  const { rules, clock, logger, isStandIn = false } = options;
  const judges = (kind: AlertKind): boolean => !isStandIn || kind === "no-worker";
  const now = clock.now();
  const [known, sent, { samples }, seen] = await Promise.all([
    store.records(),
    store.sent(),
    store.watch(),
    readFacts(options, now),
  ]);
  const { sample } = seen;
  const facts = { ...seen.facts, lastHour: lastHourOf(samples, sample) };
  const { records, fired, resolved } = advance(known, {
    findings: findAlerts(facts, rules, now).filter(({ kind }) => judges(kind)),
    stillHolds: (alert) =>
      !judges(alert.kind) || (!rules.ignored.includes(alert.kind) && stillHolds(alert, facts, now)),
    ...{ now, newId: () => randomBytes(6).toString("hex") },
  });
  await store.saveLook(known, withoutTold(records, sent, now), { now, samples: withSample(samples, sample) });
  for (const alert of fired) log(alert, logger);
  for (const { kind, subject, alertId } of resolved) logger.info({ kind, subject, alertId }, "alert is over");
}

async function readFacts({ redis, namespace, budgets, readBacklogs }: WatcherOptions, now: number) {
  const [health, backlogs, workers, totals] = await Promise.all([
    readHealth(redis, namespace, { now, budgets }),
    readBacklogs(now),
    countWorkers(redis, namespace),
    readTotals(redis, namespace, now),
  ]);
  const sample: AttemptSample = { at: now, totals };
  return { facts: { health, backlogs, workers }, sample };
}

/** Today's counters and yesterday's: a call counts for the day on which it began. */
async function readTotals(redis: RedisClient, namespace: string, now: number): Promise<AttemptTotals> {
  const days = [now - DAY_MS, now].map(async (at) => {
    const outcomes = (await readModelUsage(redis, namespace, { now: at, days: 1 })).flatMap((model) => [
      ...model.outcomes,
    ]);
    const count = (wanted: (outcome: string) => boolean): number =>
      outcomes.reduce((sum, [outcome, calls]) => sum + (wanted(outcome) ? calls : 0), 0);
    const totals = { attempts: count(() => true), orphans: count((outcome) => outcome === "crashed") };
    return [dayOf(at), totals] as const;
  });
  return Object.fromEntries(await Promise.all(days));
}

function log({ kind, subject, severity, alertId, details, message }: AlertRecord, logger: Logger): void {
  const line = { alert: true, kind, subject, severity, alertId, ...details };
  if (severity === "critical") logger.error(line, message);
  else logger.warn(line, message);
}
