import { renderTable } from "../../bench/table.ts";
import { median, percentile } from "../../bench/statistics.ts";
import { integer, shortDuration } from "../../src/platform/numbers.ts";
import type { Reconciliation } from "../support/faults/reconcile.ts";
import type { RecordedServer } from "../support/recorded-server.ts";
import type { ChaosLog } from "./chaos.ts";

export interface Outcome {
  readonly accounts: Reconciliation;
  readonly log: ChaosLog;
  readonly server: RecordedServer;
  readonly wallMs: number;
  /** Jobs in work per worker, and workers. */
  readonly concurrency: number;
  readonly workers: number;
}

/** What the campaign promised and did not keep; empty: all is well. */
export function findBroken({ accounts, log, concurrency, workers }: Outcome): string[] {
  const { done, badExits } = log;
  const most = (done.kill + done.stop) * concurrency + done.partition * workers * concurrency;
  const failed = accounts.jobs - (accounts.ended["succeeded"] ?? 0);
  return [
    ...accounts.broken,
    ...(failed > 0 ? [`${failed} innocent jobs did not succeed: ${JSON.stringify(accounts.ended)}`] : []),
    ...(accounts.extraCalls > most ? [`${accounts.extraCalls} extra calls; at most ${most} were allowed`] : []),
    ...(accounts.callsAfterRecord > 0 ? [`${accounts.callsAfterRecord} calls after the job's record`] : []),
    ...(badExits.length > 0 ? [`workers that were asked to go ended with ${badExits.join(", ")}`] : []),
  ];
}

export function renderReport(outcome: Outcome): string {
  const { accounts, log, wallMs } = outcome;
  const { done, recoveries } = log;
  const rows: (readonly [string, string])[] = [
    ["jobs acknowledged", integer(accounts.jobs)],
    ["worker kills", integer(done.kill)],
    ["workers stopped for 1 to 25 s", integer(done.stop)],
    ["rolling restarts", integer(done.restart)],
    ["Redis kills", integer(done.redisKill)],
    ["partitions", integer(done.partition)],
    ["provider storms", integer(done.storm)],
    ["calls in the provider's ledger", integer(accounts.calls)],
    ["usage rows", `${integer(accounts.rows)}, of them ${integer(accounts.orphans)} orphans`],
    ["jobs that ended", JSON.stringify(accounts.ended).replaceAll(/["{}]/g, "").replaceAll(",", ", ")],
    ["extra calls", integer(accounts.extraCalls)],
    ["calls after the record", integer(accounts.callsAfterRecord)],
    ["a killed worker's jobs run again after", spread(rerunsOf(outcome))],
    ["a job ends after Redis answers again", spread(recoveries.redisKill)],
    ["a job ends after a partition heals", spread(recoveries.partition)],
    ["wall time", shortDuration(wallMs)],
  ];
  return renderTable(["", ""], rows);
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return "none";
  const [middle, late, last] = [median(values), percentile(values, 0.95), Math.max(...values)].map(shortDuration);
  return `${middle} median, ${late} p95, ${last} at most (${integer(values.length)})`;
}

/** From the end of a call whose worker died to the job's next call, ms. */
function rerunsOf({ server, accounts }: Outcome): number[] {
  const byAttempt = new Map(server.calls.map((call) => [String(call.headers["x-client-request-id"]), call]));
  return accounts.lostCalls.flatMap((attemptId) => {
    const [job, attempt] = [attemptId.replace(/\.\d+$/, ""), Number(attemptId.split(".").at(-1))];
    const [lost, next] = [byAttempt.get(attemptId), byAttempt.get(`${job}.${attempt + 1}`)];
    return lost?.endedAt === undefined || next === undefined ? [] : [next.at - lost.endedAt];
  });
}
