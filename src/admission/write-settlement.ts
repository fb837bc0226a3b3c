import type { GenerationResult } from "../job/generation-result.ts";
import { formatResultEntry } from "../job/result-entry.ts";
import { countersOf, dayOf, formatDoneField, hourOf, picoUsdOf } from "../job/usage-counters.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { loadLuaScript, type Argument } from "../platform/lua-script.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import type { CallReport, Settlement, SettleReply } from "./admission.ts";
import { runCostOf } from "./claims.ts";
import { controlKeys } from "./keys.ts";
import type { BreakerRules, LimitArguments } from "./limit-policy.ts";

/** How long things are kept. */
export interface Retention {
  /** Claim, ledger and result of a job, from its terminal record on; default 7 days. */
  readonly resultsMs: number;
  /** Daily counters; default 400 days. */
  readonly countersMs: number;
  /** Usage rows, at most (about); default 500,000. */
  readonly usageRows: number;
  /** Usage rows, by age; default 7 days. */
  readonly usageRowsMs: number;
}

export interface SettlementWriter {
  readonly redis: RedisClient;
  readonly namespace: string;
  /** Whose intents the attempt is among. */
  readonly workerId: string;
  readonly retention: Retention;
}

/** What is needed beside that to learn from calls. */
export interface ReportRules {
  readonly policy: { readonly breaker: BreakerRules };
  readonly limitsOf: (provider: string, model: string) => LimitArguments;
  readonly epochMs: () => number;
}

/** `orphaned`: written for a worker that died; a settlement of its own, should it come, replaces it. */
export type SettlementState = "settled" | "orphaned";

const settleScript = loadLuaScript(new URL("./scripts/settle.lua", import.meta.url), [
  "limits",
  "breaker",
  "budgets",
  "reports",
  "credentials",
  "results",
  "runs",
]);

/** @param writer without `ReportRules` the settlement must have no report */
export async function writeSettlement(
  settlement: Settlement,
  state: SettlementState,
  writer: SettlementWriter & Partial<ReportRules>,
): Promise<SettleReply> {
  const [record, opened] = (await settleScript.run(
    writer.redis,
    keysOf(settlement, writer),
    argumentsOf(settlement, state, writer),
  )) as [string, 0 | 1];
  return { record: recordOf(record, settlement), hasOpenedBreaker: opened === 1 };
}

function recordOf(reply: string, { terminal }: Settlement): GenerationResult | null {
  if (reply === "") return null;
  return reply === "own" ? terminal : (JSON.parse(reply) as GenerationResult);
}

function keysOf({ jobId, agentId, row, pause, report, terminal }: Settlement, writer: SettlementWriter): string[] {
  const keys = controlKeys(writer.namespace);
  const startedAt = row?.startedAt ?? 0;
  const day = dayOf(startedAt);
  const called = report?.grant.limitGroup ?? "";
  return [
    keys.job(jobId),
    keys.intents(writer.workerId),
    keys.usageRows,
    keys.usageDay(day),
    keys.usageOfAgent(day, agentId),
    keys.usageAgents(day),
    pause?.scope === "credential" ? keys.credential(pause.name) : keys.limitGroup(pause?.name ?? ""),
    keys.limitGroup(called),
    keys.lastCalls(called),
    keys.spending(day),
    keys.knownLimits,
    keys.usageHour(hourOf(startedAt)),
    keys.results,
    keys.resultsOf(agentId),
    keys.usageTexts(dayOf(terminal?.finishedAt ?? 0)),
    keys.credential(report?.grant.credential ?? ""),
  ];
}

/** In the order in which the script takes them. */
function argumentsOf(
  settlement: Settlement,
  state: SettlementState,
  writer: SettlementWriter & Partial<ReportRules>,
): Argument[] {
  const { jobId, agentId, row, report, terminal, draft, pause, deliveries } = settlement;
  const { retention } = writer;
  const keys = controlKeys(writer.namespace);
  const attempt = row === null ? [0, "", ""] : [row.attempt, row.attemptId, JSON.stringify(row)];
  const kept = draft === undefined ? "" : JSON.stringify(draft);
  const standstill = pause === null ? [0, "", ""] : [Math.ceil(pause.forMs), pause.why, pause.name];
  return [
    ...[state, ...attempt, agentId, row?.provider ?? "", retention.usageRows, retention.countersMs],
    ...[...recordArguments(terminal), kept, deliveries, retention.resultsMs],
    ...[terminal === null ? "" : runCostOf(terminal), keys.run("")],
    ...[keys.settledChannel, jobId, keys.epochsChannel],
    ...[picoUsdOf(row?.costMicroUsd ?? 0), ...standstill],
    ...(row === null || report === null ? [0] : [1, ...reportArguments(report, row, writer)]),
    ...counterArguments(row),
  ];
}

function recordArguments(terminal: GenerationResult | null): Argument[] {
  if (terminal === null) return ["", "", "", ""];
  return [JSON.stringify(terminal), terminal.status, formatResultEntry(terminal), formatDoneField(terminal)];
}

function counterArguments(row: UsageRecord | null): Argument[] {
  if (row === null) return ["", 0, 0];
  const { hourly, daily, distributions } = countersOf(row);
  return [row.kind, hourly.length, hourly.length + daily.length, ...[...hourly, ...daily, ...distributions].flat()];
}

const COUNTED = { requests: "requests", tokens: "tokens", inputTokens: "input", outputTokens: "output" } as const;
const DAY_MS = 24 * 3600_000;

function reportArguments(
  { grant, limits, health }: CallReport,
  row: UsageRecord,
  { policy, limitsOf, epochMs }: Partial<ReportRules>,
): Argument[] {
  if (policy === undefined || limitsOf === undefined || epochMs === undefined)
    throw new Error("a report needs the rules that it is judged by");
  const { failureShare, minCalls, windowMs, openMs } = policy.breaker;
  const now = epochMs();
  const told = limitsOf(row.provider, row.model);
  const used = told.tokensCounted === "cap" ? null : row.usage;
  const failure = { outcome: row.outcome, message: row.message, at: now, agentId: row.agentId };
  return [
    ...[
      grant.limitGroup,
      grant.epoch,
      grant.granted,
      row.durationMs,
      health,
      row.outcome === "rate-limited" ? 1 : 0,
      row.sent === "no" ? 0 : 1,
    ],
    ...[grant.reserved.inputTokens, grant.reserved.outputTokens],
    ...[...usedTokens(row, grant, used), used === null || used.estimated ? 0 : grant.inputBytes],
    `${row.durationMs} ${row.outcome} ${now}`,
    row.outcome === "succeeded" ? "" : JSON.stringify(failure),
    ...[failureShare, minCalls, windowMs, openMs, ...told.argumentsAt(now), limits.length],
    ...limits.flatMap(({ counts, limit, periodMs, remaining }) => [
      COUNTED[counts],
      periodMs === DAY_MS ? limit : (limit * 60_000) / periodMs,
      remaining ?? -1,
      periodMs === DAY_MS ? 1 : 0,
    ]),
  ];
}

/** What counts against the limit: nothing when the vendor never saw the call, else what it told, else the estimate. */
function usedTokens(
  row: UsageRecord,
  { reserved }: CallReport["grant"],
  usage: UsageRecord["usage"],
): [number, number] {
  if (row.sent === "no") return [0, 0];
  return usage === null ? [reserved.inputTokens, reserved.outputTokens] : [usage.inputTokens, usage.outputTokens];
}
