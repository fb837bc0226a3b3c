import { pino } from "pino";
import type { Redis } from "ioredis";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import type { Agent } from "../../../src/agents/agent.ts";
import { compileOptions } from "../../../src/compose.ts";
import type { GenerationJob } from "../../../src/job/generation-job.ts";
import type { Clock } from "../../../src/platform/clock.ts";
import { createLaneQueues } from "../../../src/queue/lane-queues.ts";
import { BATCH } from "../../../src/queue/lane.ts";
import { createScheduleBook, type Schedules } from "../../../src/queue/schedule-book.ts";
import { createScheduleStore } from "../../../src/queue/schedule-store.ts";
import type { TickContext } from "../../../src/queue/schedule-tick.ts";
import { createScheduleTicker, type ScheduleTicker } from "../../../src/queue/schedule-ticker.ts";
import type { Schedule } from "../../../src/schedules/schedule.ts";
import { createTopicsReader } from "../../../src/schedules/topics-reader.ts";
import { createResultReader } from "../../../src/storage/result-reader.ts";
import { DEFAULTS } from "../../support/documents.ts";
import { connectTestRedis, testNamespace, testRedisUrl } from "../../support/redis.ts";

/** Schedules on a namespace of their own, with a clock that is set by hand; no worker takes the jobs. */
export interface ScheduleSystem extends AsyncDisposable {
  readonly redis: Redis;
  readonly namespace: string;
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** ISO 8601. */
  set(now: string): void;
  /** Those of these agent files. */
  schedules(files: readonly object[]): Schedules;
  /** One of any number of processes. */
  ticker(options?: { readonly agentsDirectory?: string; readonly behindMs?: number }): ScheduleTicker;
  context(): TickContext;
  /** The jobs that are in the lane of fake agents, or wait for a batch, oldest slot first. */
  jobs(): Promise<readonly GenerationJob[]>;
  /** Their ids. */
  jobIds(): Promise<readonly string[]>;
}

export const FAKE = { id: "ada", name: "Ada", llm_provider: "fake" };

/** @param url another Redis than that of the test run */
export async function openScheduleSystem(now: string, url = testRedisUrl()): Promise<ScheduleSystem> {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await connectTestRedis({ maxRetriesPerRequest: null }, url));
  const namespace = testNamespace();
  const queueRedis = stack.use(await connectTestRedis({ maxRetriesPerRequest: null }, url));
  // A lost connection is reported by the commands that suffer from it.
  for (const connection of [redis, queueRedis]) connection.on("error", () => undefined);
  const queues = createLaneQueues(queueRedis, namespace);
  stack.defer(async () => await queues.close());
  const logs: Record<string, unknown>[] = [];
  const logger = pino(
    { level: "debug", base: null },
    { write: (line) => void logs.push(JSON.parse(line) as Record<string, unknown>) },
  );
  let nowAt = Date.parse(now);
  const clock: Clock = { now: () => nowAt, monotonicMs: () => performance.now() };
  const results = createResultReader(redis, namespace);
  stack.defer(() => results.close());
  const contextOf = (agentsDirectory: string, behindMs: number): TickContext => ({
    ...{ redis, namespace, queues, logger },
    clock: { ...clock, now: () => clock.now() - behindMs },
    store: createScheduleStore(redis, namespace),
    topicsOf: createTopicsReader(agentsDirectory, logger),
  });
  const jobs = async (): Promise<GenerationJob[]> => {
    const found = await Promise.all(["fake~fake-1", BATCH.name].map((name) => queues.get(name).getJobs()));
    return found
      .flat()
      .map(({ data }) => data as GenerationJob)
      .sort((a, b) => slotOf(a) - slotOf(b));
  };
  return {
    ...{ redis, namespace, logs, jobs },
    set: (iso) => (nowAt = Date.parse(iso)),
    schedules: (files) => createScheduleBook({ redis, namespace, clock, results, ...readFiles(files) }),
    ticker: ({ agentsDirectory = "/nowhere", behindMs = 0 } = {}) =>
      createScheduleTicker(contextOf(agentsDirectory, behindMs)),
    context: () => contextOf("/nowhere", 0),
    jobIds: async () => (await jobs()).map(({ id }) => id),
    [Symbol.asyncDispose]: async () => await stack.disposeAsync(),
  };
}

function slotOf({ id }: GenerationJob): number {
  return Number(id.split("_").at(-1));
}

function readFiles(files: readonly object[]): {
  agents: ReadonlyMap<string, Agent>;
  schedules: ReadonlyMap<string, Schedule>;
} {
  const parsed = files.map((file) => parseAgentObject("agent", file, compileOptions(DEFAULTS)));
  const schedules = parsed.flatMap(({ schedule }) => schedule ?? []);
  return {
    agents: new Map(parsed.map(({ agent }) => [agent.id, agent])),
    schedules: new Map(schedules.map((schedule) => [schedule.agentId, schedule])),
  };
}
