import type { GenerationResult } from "../job/generation-result.ts";
import type { UsageRecord } from "../job/usage-record.ts";
import { loadLuaScript } from "../platform/lua-script.ts";
import { untilRedisAnswers, type RetryOptions } from "../platform/redis-retry.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import type { AdmitReply, AdmitRequest, Admission } from "./admission.ts";
import { controlKeys } from "./keys.ts";
import { writeSettlement, type SettlementWriter } from "./write-settlement.ts";

/** `workerId` is unique per worker process and start. */
export interface RedisAdmissionOptions extends SettlementWriter {
  readonly retry: RetryOptions;
}

const admitScript = loadLuaScript(new URL("./scripts/admit.lua", import.meta.url));

export function createRedisAdmission(options: RedisAdmissionOptions): Admission {
  let calls = 0;
  return {
    async admit(request) {
      const token = `${options.workerId}.${++calls}`;
      return await untilRedisAnswers(() => admit(request, token, options), options.retry);
    },
    async settle(settlement) {
      return await untilRedisAnswers(() => writeSettlement(settlement, "settled", options), options.retry);
    },
  };
}

async function admit(request: AdmitRequest, token: string, options: RedisAdmissionOptions): Promise<AdmitReply> {
  const { intent, limitGroup, knownAttempts, deliveries } = request;
  const keys = controlKeys(options.namespace);
  const reply = await admitScript.run(
    options.redis,
    [keys.job(intent.jobId), keys.limitGroup(limitGroup), keys.intents(options.workerId)],
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
