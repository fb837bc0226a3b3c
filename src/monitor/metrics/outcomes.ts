import { ALERT_KINDS, type AlertKind } from "../../alerts/alert.ts";
import { readAlerts } from "../../alerts/alert-store.ts";
import { readTexts } from "../../storage/text-report.ts";
import { gauge, type Value } from "./exposition.ts";
import type { MetricGroup } from "./scrape.ts";

/** How jobs have ended today, and what wants a person. */
export const outcomeMetrics: MetricGroup = async ({ redis, namespace, now }) => {
  const [texts, { alerts }] = await Promise.all([
    readTexts(redis, namespace, { now, days: 1 }),
    readAlerts(redis, namespace),
  ]);
  const ended = texts.flatMap(({ kind, done }) =>
    Object.entries(done).map(([status, count]): Value => [{ kind, status }, count]),
  );
  const firing = (kind: AlertKind): Value => [{ kind }, alerts.filter((alert) => alert.kind === kind).length];
  return [
    gauge("puppet_jobs_today", "Jobs that have ended since midnight UTC, by kind and status.", ended),
    gauge("puppet_alerts", "Alerts that are not over.", ALERT_KINDS.map(firing)),
  ];
};
