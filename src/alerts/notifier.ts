import type { Logger } from "../platform/logger.ts";
import type { AlertStore, ReceiverState } from "./alert-store.ts";
import { dueNotifications, type Notification, type NotificationRules } from "./notifications.ts";
import { alertMessage, type AlertMessage, type Webhook } from "./webhook.ts";

export interface NotifierParts extends NotificationRules {
  readonly store: AlertStore;
  readonly webhook: Webhook;
  readonly namespace: string;
  readonly logger: Logger;
  /** Whether this process is still the one that sends. */
  readonly stay: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** One after the other, and the rest at the next look: receivers such as Slack take about one a second. */
const MOST_AT_ONCE = 10;
/** After the first failure, and doubled with every other one up to the longest. */
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 600_000;

/** Sends what is due. What fails is tried again later; the receiver is left alone meanwhile. @param now epoch ms */
export async function notify(parts: NotifierParts, now: number): Promise<void> {
  const { store } = parts;
  const [records, sent, { receiver }] = await Promise.all([store.records(), store.sent(), store.watch()]);
  await store.forgetSent([...sent.keys()].filter((key) => !records.has(key)));
  if (receiver.retryAt > now) return;
  const due = dueNotifications(records, sent, { repeatMs: parts.repeatMs, now });
  let state = receiver;
  for (const notification of due.slice(0, MOST_AT_ONCE)) {
    if (parts.signal.aborted || !(await parts.stay())) return;
    state = await sendOne(notification, { ...parts, now, state });
    if (state.problem !== null) return;
  }
}

interface SendContext extends NotifierParts {
  readonly now: number;
  readonly state: ReceiverState;
}

/** Noted after it was sent: who dies in between sends it twice, with the same id, and not never. */
async function sendOne(notification: Notification, context: SendContext): Promise<ReceiverState> {
  const { store, webhook, namespace, signal, now, state, logger } = context;
  const { key, alert, number } = notification;
  const outcome = await webhook.send(messageOf(notification, namespace, now), signal);
  if (outcome.ok) {
    await store.noteSent(key, { alertId: alert.alertId, state: notification.state, count: number, at: now });
    if (state.failures === 0) return state;
    logger.info({ failures: state.failures }, "alerts are sent again: the webhook answers");
    return await note({ failures: 0, problem: null, retryAt: 0 }, store);
  }
  // A process that ends tells nothing of the receiver.
  if (signal.aborted) return { ...state, problem: outcome.problem };
  const failures = state.failures + 1;
  if (failures === 1) logger.error({ alert: true, reason: outcome.problem }, "an alert could not be sent; trying on");
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return await note({ failures, problem: outcome.problem, retryAt: now + pauseMs }, store);
}

async function note(state: ReceiverState, store: AlertStore): Promise<ReceiverState> {
  await store.noteReceiver(state);
  return state;
}

function messageOf({ alert, state, number }: Notification, namespace: string, now: number): AlertMessage {
  const { alertId, kind, subject, severity, message, details, sinceAt } = alert;
  return alertMessage({
    ...{ id: `${alertId}.${number}`, alertId, state, kind, subject, severity, message, namespace },
    ...{ sinceAt: new Date(sinceAt).toISOString(), sentAt: new Date(now).toISOString(), details },
  });
}
