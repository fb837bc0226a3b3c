import { z } from "zod";
import { DELIVERIES } from "../../job/generation-job.ts";
import type { JsonObject } from "../../job/json-value.ts";
import { strictObject } from "../../platform/zod-faults.ts";
import type { ScheduleStatus } from "../../queue/schedule-book.ts";
import type { Schedule, Timing } from "../../schedules/schedule.ts";
import type { ApiParts, ApiScope } from "./api-scope.ts";
import { epochMs, queryInteger, type ShapeOf } from "./common-schemas.ts";
import { answer, errors, VIEWERS } from "./route-schemas.ts";

const count = z.int().nonnegative();

const timing: z.ZodType<Timing> = z
  .union([
    z.object({ type: z.literal("cron"), expression: z.string(), timezone: z.string() }),
    z.object({
      type: z.literal("frequency"),
      minMs: count.describe("From one post to the next, at least …"),
      maxMs: count.describe("… and at most."),
      peakHours: z.array(count),
      timezone: z.string(),
    }),
  ])
  .meta({ id: "Timing" });

const schedule: z.ZodType<Schedule> = z
  .object({
    agentId: z.string(),
    enabled: z.boolean(),
    timing,
    topics: z.array(z.custom<JsonObject>().meta({ type: "object" })),
    topicsFile: z.string().nullable(),
    misfire: z.enum(["skip", "latest", "all"]).describe("What becomes of posts that no worker was there for."),
    maxDelayMs: count.nullable(),
    kind: z.enum(["tweet"]),
    deadlineMs: count.nullable(),
    delivery: z.enum(DELIVERIES),
  } satisfies ShapeOf<Schedule>)
  .meta({ id: "Schedule" });

const LAST_STATUSES = [
  ...(["succeeded", "failed", "cancelled", "expired", "held"] as const),
  ...(["waiting", "forgotten"] as const),
];

const statusSchema: z.ZodType<ScheduleStatus> = z
  .object({
    agentId: z.string(),
    schedule: schedule.nullable().describe("null: it cannot be read; sync it again."),
    syncedAt: epochMs.nullable(),
    nextAt: z.array(epochMs),
    overdueAt: epochMs.nullable().describe("A post that is due, and that no worker looks after."),
    lastAt: epochMs.nullable(),
    lastJobId: z.string().nullable(),
    lastStatus: z.enum(LAST_STATUSES).nullable(),
    posts: count,
  } satisfies ShapeOf<ScheduleStatus>)
  .meta({ id: "ScheduleStatus" });

const MOST_NEXT = 100;

export function registerSchedules(scope: ApiScope, { system }: ApiParts): void {
  const schema = {
    ...VIEWERS,
    tags: ["health"],
    operationId: "listSchedules",
    summary: "The agents that post by themselves",
    description: "When each does so next, and what became of its last post. What `puppet-engine schedule list` shows.",
    querystring: strictObject({
      next: queryInteger(1, MOST_NEXT, {
        unit: "posts",
        description: "How many posts ahead to tell of each agent. Default: 1.",
      }).optional(),
    }),
    response: {
      200: answer("The schedules.", z.object({ schedules: z.array(statusSchema) }).meta({ id: "Schedules" })),
      ...errors(),
    },
  };
  scope.get("/schedules", { schema }, async ({ query: { next = 1 } }, reply) => {
    return await reply.send({ schedules: await system.producer.schedules.list({ next }) });
  });
}
