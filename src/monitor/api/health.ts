import { z } from "zod";
import type { OperatorPause } from "../../queue/operator-pauses.ts";
import { readOperatorPauses } from "../../queue/operator-pauses.ts";
import type { BudgetHealth } from "../../storage/budget-report.ts";
import {
  readHealth,
  type GroupHealth,
  type HealthReport,
  type LastError,
  type LearnedLimits,
  type PausedKey,
} from "../../storage/health-report.ts";
import { checkReadiness, type Readiness } from "../readiness.ts";
import type { ApiParts, ApiScope } from "./api-scope.ts";
import { epochMs, share, type ShapeOf } from "./common-schemas.ts";
import { pauseSchema } from "./pause-schemas.ts";
import { answer, errors, VIEWERS } from "./route-schemas.ts";

const count = z.int().nonnegative();
const perMinute = z.number().nullable();

const limits: z.ZodType<LearnedLimits> = z
  .object({
    requestsPerMinute: perMinute,
    isObserved: z.boolean().describe("No vendor told `requestsPerMinute`: it was worked out from refusals."),
    tokensPerMinute: perMinute,
    inputTokensPerMinute: perMinute,
    outputTokensPerMinute: perMinute,
    requestsPerDay: z.number().nullable(),
  } satisfies ShapeOf<LearnedLimits>)
  .meta({ id: "LearnedLimits", description: "What the vendor told or showed; null: not known." });

const lastError: z.ZodType<LastError> = z
  .object({
    outcome: z.custom<LastError["outcome"]>().meta({ type: "string" }),
    message: z.string().nullable(),
    at: epochMs,
  } satisfies ShapeOf<LastError>)
  .meta({ id: "LastError" });

const milliseconds = z.number().nullable();

const group: z.ZodType<GroupHealth> = z
  .object({
    name: z.string().describe("Such as `openai/gpt-6-luna#1a2b3c4d`: the key by a hash."),
    provider: z.string(),
    state: z.enum(["ok", "rate-limited", "paused", "circuit-open", "probing", "recovering"]),
    why: z.string().nullable().describe("The kind of error behind it."),
    untilAt: epochMs.nullable(),
    lastError: lastError.nullable(),
    limits,
    callsGranted: count,
    calls: count.describe("Of the last hour, at most 200."),
    successShare: share.nullable(),
    p50Ms: milliseconds,
    p95Ms: milliseconds,
    callsPerMinute: z.number().describe("Those that ended in the last minute."),
    lastSucceededAt: epochMs.nullable().describe("Of the last hour."),
    requestsPerMinute: perMinute.describe("The lowest of what is configured, told and worked out."),
  } satisfies ShapeOf<GroupHealth>)
  .meta({ id: "LimitGroup", description: "Calls that share a vendor's limits." });

const pausedKey: z.ZodType<PausedKey> = z
  .object({
    name: z.string().describe("Such as `openai#1a2b3c4d`: never the key itself."),
    provider: z.string(),
    why: z.string(),
    untilAt: epochMs,
  } satisfies ShapeOf<PausedKey>)
  .meta({ id: "PausedKey" });

const budget: z.ZodType<BudgetHealth> = z
  .object({
    name: z.string().describe("`global`, `provider openai` or `agent ada`."),
    spentMicroUsd: z.number(),
    heldMicroUsd: z.number().describe("Reserved for calls under way."),
    limitMicroUsd: z.number(),
    usedShare: z.number(),
    isUsedUp: z.boolean().describe("It does not pay for another call."),
  } satisfies ShapeOf<BudgetHealth>)
  .meta({ id: "Budget", description: "A budget of today (UTC)." });

type Health = HealthReport & Readiness & { readonly operatorPauses: readonly OperatorPause[] };

const healthSchema: z.ZodType<Health> = z
  .object({
    ready: z.boolean().describe("Jobs can be accepted, kept and worked off."),
    problems: z.array(z.string()).describe("What keeps them from it, with its remedy."),
    workers: count.describe("Workers that live."),
    groups: z.array(group),
    pausedKeys: z.array(pausedKey),
    budgets: z.array(budget),
    operatorPauses: z.array(pauseSchema).describe("In order of time."),
  } satisfies ShapeOf<Health>)
  .meta({ id: "Health" });

export function registerHealth(scope: ApiScope, { system }: ApiParts): void {
  const { redis, namespace, budgets, limits: configured, clock } = system;
  const schema = {
    ...VIEWERS,
    tags: ["health"],
    operationId: "readHealth",
    summary: "Whether jobs can be worked off, and providers called",
    description: "What `puppet-engine health --json` and `/readyz` tell. It is 200 whatever it says.",
    response: { 200: answer("How things are.", healthSchema), ...errors() },
  };
  scope.get("/health", { schema }, async (_request, reply) => {
    const [health, pauses, readiness] = await Promise.all([
      readHealth(redis, namespace, { now: clock.now(), budgets, limits: configured }),
      readOperatorPauses(redis, namespace),
      checkReadiness(redis, namespace),
    ]);
    const operatorPauses = pauses.sort((a, b) => a.sinceAt - b.sinceAt);
    return await reply.send({ ...readiness, ...health, operatorPauses });
  });
}
