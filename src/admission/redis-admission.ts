import type { Redis } from "ioredis";
import type { GenerationResult } from "../job/generation-result.ts";
import { countersOf, dayOf } from "../job/usage-counters.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import { untilRedisAnswers, type RetryOptions } from "../platform/redis-retry.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import type { AdmitReply, AdmitRequest, Admission, Settlement, SettleReply } from "./admission.ts";
import { controlKeys, type ControlKeys } from "./keys.ts";

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

export interface RedisAdmissionOptions {
  readonly redis: Redis;
  readonly namespace: string;
  /** Unique per worker process and start. */
  readonly workerId: string;
  readonly retention: Retention;
  readonly retry: RetryOptions;
}

const admitScript = loadLuaScript(new URL("./scripts/admit.lua", import.meta.url));
const settleScript = loadLuaScript(new URL("./scripts/settle.lua", import.meta.url));

export function createRedisAdmission(options: RedisAdmissionOptions): Admission {
  const keys = controlKeys(options.namespace);
  let calls = 0;
  return {
    async admit(request) {
      const token = `${options.workerId}.${++calls}`;
      return await untilRedisAnswers(() => admit(request, token, options, keys), options.retry);
    },
    async settle(settlement) {
      return await untilRedisAnswers(() => writeSettlement(settlement, "settled", options, keys), options.retry);
    },
  };
}

async function admit(
  request: AdmitRequest,
  token: string,
  { redis, workerId }: RedisAdmissionOptions,
  keys: ControlKeys,
): Promise<AdmitReply> {
  const { intent, limitGroup, knownAttempts, deliveries } = request;
  const reply = await admitScript.run(
    redis,
    [keys.job(intent.jobId), keys.limitGroup(limitGroup), keys.intents(workerId)],
    [knownAttempts, token, deliveries, intent.attemptId, JSON.stringify(intent)],
  );
  return parseAdmitReply(reply as AdmitScriptReply);
}

type AdmitScriptReply =
  | ["granted"]
  | ["settled", string]
  | ["cancelled"]
  | ["history", number, ...string[]]
  | ["unavailable", number, string, number];

/** The JSON in it is our own: it was checked before it was written. */
function parseAdmitReply(reply: AdmitScriptReply): AdmitReply {
  switch (reply[0]) {
    case "granted":
    case "cancelled":
      return { answer: reply[0] };
    case "settled":
      return { answer: "settled", record: JSON.parse(reply[1]) as GenerationResult };
    case "history": {
      const [, knownAttempts, ...rows] = reply;
      return { answer: "history", knownAttempts, rows: rows.map((row) => JSON.parse(row) as UsageRecord) };
    }
    case "unavailable":
      return { answer: "unavailable", forMs: reply[1], why: reply[2] as ProviderErrorKind, waitedMs: reply[3] };
  }
}

/** @param state `orphaned` for the row of an attempt whose worker, `options.workerId`, died */
export async function writeSettlement(
  settlement: Settlement,
  state: "settled" | "orphaned",
  options: Pick<RedisAdmissionOptions, "redis" | "workerId" | "retention">,
  keys: ControlKeys,
): Promise<SettleReply> {
  const { jobId, agentId, row, terminal, pause, deliveries } = settlement;
  const { retention } = options;
  const day = dayOf(row?.startedAt ?? 0);
  const reply = await settleScript.run(
    options.redis,
    [
      keys.job(jobId),
      keys.intents(options.workerId),
      keys.usageRows,
      keys.usageDay(day),
      keys.usageOfAgent(day, agentId),
      keys.usageAgents(day),
      keys.limitGroup(pause?.limitGroup ?? ""),
    ],
    [
      ...[state, row?.attempt ?? 0, row?.attemptId ?? "", row === null ? "" : JSON.stringify(row)],
      ...[agentId, retention.usageRows, retention.countersMs],
      ...[terminal === null ? "" : JSON.stringify(terminal), terminal?.status ?? "", deliveries, retention.resultsMs],
      ...[keys.settledChannel, jobId, Math.ceil(pause?.forMs ?? 0), pause?.why ?? ""],
      ...(row === null ? [] : countersOf(row).flat()),
    ],
  );
  if (reply === "") return { record: null };
  return { record: reply === "own" ? terminal : (JSON.parse(reply as string) as GenerationResult) };
}
