import { isOpen, type BulkRun } from "../../../job/bulk-run.ts";
import type { BudgetHealth } from "../../../storage/budget-report.ts";
import { readHealth, type GroupHealth, type PausedKey } from "../../../storage/health-report.ts";
import { readTexts, type TextsOfKind } from "../../../storage/text-report.ts";
import { readUsage, type UsageRow } from "../../../storage/usage-report.ts";
import { readWorkers } from "../../../storage/worker-report.ts";
import type { WorkerStatus } from "../../../job/worker-status.ts";
import { readAlerts, type AlertsReport } from "../../../alerts/alert-store.ts";
import { readLaneStates, type LaneState } from "../../../queue/lane-states.ts";
import { readOperatorPauses, type OperatorPause } from "../../../queue/operator-pauses.ts";
import { checkReadiness, type Readiness } from "../../readiness.ts";
import type { MonitorSystem } from "../../system.ts";

/** Everything that the overview shows, at one moment. */
export interface Overview {
  readonly readiness: Readiness;
  readonly alerts: AlertsReport;
  readonly lanes: readonly LaneState[];
  readonly groups: readonly GroupHealth[];
  readonly pausedKeys: readonly PausedKey[];
  readonly pauses: readonly OperatorPause[];
  readonly budgets: readonly BudgetHealth[];
  readonly workers: readonly WorkerStatus[];
  /** Those that are not over. */
  readonly runs: readonly BulkRun[];
  /** Of today (UTC); `null`: nothing was called yet. */
  readonly usage: UsageRow | null;
  readonly texts: readonly TextsOfKind[];
}

/** Reads at once what can be read at once: a round trip or two, however many lanes there are. */
export async function readOverview(system: MonitorSystem, now: number): Promise<Overview> {
  const { redis, namespace, budgets, limits, producer } = system;
  const today = { now, days: 1 };
  const [readiness, alerts, lanes, health, pauses, workers, runs, [usage = null], texts] = await Promise.all([
    checkReadiness(redis, namespace),
    readAlerts(redis, namespace),
    readLaneStates(system),
    readHealth(redis, namespace, { now, budgets, limits }),
    readOperatorPauses(redis, namespace),
    readWorkers(redis, namespace),
    producer.runs.list(),
    readUsage(redis, namespace, { ...today, by: "day" }),
    readTexts(redis, namespace, today),
  ]);
  return { readiness, alerts, lanes, ...health, pauses, workers, runs: runs.filter(isOpen), usage, texts };
}
