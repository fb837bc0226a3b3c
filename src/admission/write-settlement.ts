import type { Redis } from "ioredis";
import type { GenerationResult } from "../job/generation-result.ts";
import { countersOf, dayOf } from "../job/usage-counters.ts";
import { loadLuaScript, type Argument } from "../platform/lua-script.ts";
import type { Settlement, SettleReply } from "./admission.ts";
import { controlKeys } from "./keys.ts";

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
  readonly redis: Redis;
  readonly namespace: string;
  /** Whose intents the attempt is among. */
  readonly workerId: string;
  readonly retention: Retention;
}

/** `orphaned`: written for a worker that died; a settlement of its own, should it come, replaces it. */
export type SettlementState = "settled" | "orphaned";

const settleScript = loadLuaScript(new URL("./scripts/settle.lua", import.meta.url));

export async function writeSettlement(
  settlement: Settlement,
  state: SettlementState,
  writer: SettlementWriter,
): Promise<SettleReply> {
  const reply = await settleScript.run(
    writer.redis,
    keysOf(settlement, writer),
    argumentsOf(settlement, state, writer),
  );
  if (reply === "") return { record: null };
  return { record: reply === "own" ? settlement.terminal : (JSON.parse(reply as string) as GenerationResult) };
}

function keysOf({ jobId, agentId, row, pause }: Settlement, { namespace, workerId }: SettlementWriter): string[] {
  const keys = controlKeys(namespace);
  const day = dayOf(row?.startedAt ?? 0);
  return [
    keys.job(jobId),
    keys.intents(workerId),
    keys.usageRows,
    keys.usageDay(day),
    keys.usageOfAgent(day, agentId),
    keys.usageAgents(day),
    keys.limitGroup(pause?.limitGroup ?? ""),
  ];
}

/** In the order of the script's head. */
function argumentsOf(
  settlement: Settlement,
  state: SettlementState,
  { namespace, retention }: SettlementWriter,
): Argument[] {
  const { jobId, agentId, row, terminal, pause, deliveries } = settlement;
  const attempt = row === null ? [0, "", ""] : [row.attempt, row.attemptId, JSON.stringify(row)];
  const record = terminal === null ? ["", ""] : [JSON.stringify(terminal), terminal.status];
  const standstill = pause === null ? [0, ""] : [Math.ceil(pause.forMs), pause.why];
  return [
    ...[state, ...attempt, agentId, retention.usageRows, retention.countersMs],
    ...[...record, deliveries, retention.resultsMs, controlKeys(namespace).settledChannel, jobId],
    ...[...standstill, ...(row === null ? [] : countersOf(row).flat())],
  ];
}
