import { expect, it } from "vitest";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { compileOptions } from "../../../src/compose.ts";
import { whyNotWritable } from "../../../src/platform/redis-write-probe.ts";
import { pauseTarget } from "../../../src/queue/operator-pauses.ts";
import { createScheduleStore, storedScheduleOf } from "../../../src/queue/schedule-store.ts";
import { DEFAULTS } from "../../support/documents.ts";
import { ADA, NORI, startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { keyKinds, whatIsUnbounded, type KeyKind } from "../../support/key-kinds.ts";
import { completionAnswer, recordedAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type SeenCall } from "../../support/recorded-server.ts";
import { readContents, type KeyContents } from "../../support/redis-contents.ts";
import { waitFor } from "../../support/wait-for.ts";

/* Whatever the program does leaves only keys that the table in docs/architecture.md has, bounded as it says. */

const GROK = { ...ADA, id: "gus", llm_provider: "grok", llm_config: { model: "grok-4.3" } };
const FAKE = { id: "fay", name: "Fay", llm_provider: "fake", rotating_system_prompts: ["one", "two"] };
const SETTINGS = {
  batch: { collectSeconds: 0.05, pollSeconds: 0.05 },
  budgets: { globalUsdPerDay: 100 },
  variety: {},
};

/** Kinds that are there for moments only, and may be at any moment: not one that this test looks at. */
const BRIEF = [
  ...[
    "alerts-sent",
    "deaths",
    "batch-open:<group>",
    "batch-groups",
    "batches",
    "batch-rows:<id>",
    "batch-lease:<name>",
  ],
  ...["cache-lead:<hash>", "delayed", "paused", "marker", "stalled"],
];

function unbounded(contents: readonly KeyContents[], kinds: readonly KeyKind[], isIdle: boolean): string[] {
  return contents.flatMap((entry) => whatIsUnbounded(entry, kinds, isIdle) ?? []);
}

it("every key is of a known kind and bounded; when nothing is to be done, what was to be done is gone", async () => {
  await using openai = await startRecordedServer(answerTo);
  await using grok = await startRecordedServer(recordedAnswer("grok/400-incorrect-api-key.json"));
  await using system = await startSystem({ openai, grok, agents: [ADA, NORI, GROK, FAKE], settings: SETTINGS });
  const { redis, namespace, producer } = system;
  const kinds = keyKinds(namespace);
  const worker = await system.startWorker({ alertsEveryMs: 50 });
  await wholePath(system);
  const during = await readContents(redis, namespace);
  expect(unbounded(during, kinds, false)).toEqual([]);
  for (const agent of ["nori", "fay"]) await producer.purge(agent);
  await worker.stop();
  const after = await readContents(redis, namespace);
  expect(unbounded(after, kinds, true)).toEqual([]);
  const isSeen = ({ pattern }: KeyKind): boolean => [...during, ...after].some(({ key }) => pattern.test(key));
  expect(kinds.filter((kind) => !isSeen(kind)).map(({ name }) => name.replace(/^.*}:(?:<lane>:)?/, ""))).toEqual(BRIEF);
});

async function answerTo({ index, bodyText }: SeenCall): Promise<RecordedAnswer | undefined> {
  // Until its connection is cut off.
  if (bodyText.includes("hang")) return await new Promise(() => undefined);
  if (index === 0) return recordedAnswer("openai/400-unsupported-parameter-temperature-code-null.json");
  return completionAnswer({ text: `Text number ${index}, about ${"abcdefghij"[index % 10]?.repeat(20)}.` });
}

async function wholePath(system: GenerationSystem): Promise<void> {
  const { producer, redis, namespace } = system;
  await producer.runs.begin({ id: "run", input: null, output: null, agent: null, total: 3 });
  const rows = ["r1", "r2", "r3"].map((id) => ({ kind: "tweet", agent: "fay", id, context: { topic: id } }) as const);
  await producer.enqueueMany(rows, { run: "run" });
  await system.run({ kind: "tweet", agent: "nori", id: "tweet", context: { topic: "looms" } });
  await system.run({ kind: "content", agent: "nori", id: "cached", prompt: "Explain looms.", cache: true });
  await producer.feedback("tweet", 1);
  // Its key is refused, which is a pause and an alert.
  await system.run({ kind: "tweet", agent: "gus", id: "refused" });
  await system.run({ kind: "tweet", agent: "fay", id: "batch", delivery: "batch" });
  await schedule(system);
  await whyNotWritable(redis, namespace);
  await waitFor(async () => await redis.exists(system.keys.alerts), { describe: () => "there is an alert" });
  await pauseAndWait(system);
  await producer.enqueue({ kind: "tweet", agent: "nori", id: "hanging", context: { topic: "hang" } });
  await waitFor(async () => (await system.lane("openai~gpt-6-luna").getActiveCount()) === 1, {
    describe: () => "a job is in work",
  });
}

async function schedule({ redis, namespace }: GenerationSystem): Promise<void> {
  const file = { ...FAKE, schedule: { cron: "0 0 1 1 *", topics: ["looms"] } };
  const { agent, schedule: parsed } = parseAgentObject("agent", file, compileOptions(DEFAULTS));
  if (parsed === null) throw new Error("the agent has no schedule");
  const place = { lastSlotAt: Date.now(), isNew: true };
  await createScheduleStore(redis, namespace).write(storedScheduleOf(parsed, agent, Date.now()), place);
}

/** Jobs that wait in all ways, in lanes that are paused. */
async function pauseAndWait({ producer, redis, namespace, lane, keys }: GenerationSystem): Promise<void> {
  const queues = { get: lane, close: async () => undefined };
  await pauseTarget({ what: "provider", name: "fake" }, { redis, namespace, queues });
  await producer.enqueue({ kind: "tweet", agent: "fay", id: "paused" });
  await producer.enqueue({ kind: "reply", agent: "fay", id: "paused-reply", mention: "hm?" });
  expect(await redis.exists(keys.operatorPauses)).toBe(1);
}
