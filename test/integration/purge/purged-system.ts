import { createScheduleStore, storedScheduleOf } from "../../../src/queue/schedule-store.ts";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { compileOptions } from "../../../src/compose.ts";
import { DEFAULTS } from "../../support/documents.ts";
import { ADA, NORI, startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { completionAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer, type SeenCall } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";

/*
 * One of everything that an agent can leave in Redis. All that Ada is asked has the word "zebra" in it, all that is written
 * for her "okapi"; another agent's words are "walrus" and "narwhal".
 */
export const OF_ADA = /zebra|okapi/i;
export const OF_NORI = /walrus|narwhal/i;

const FILES = [
  { ...ADA, custom_system_prompt: "You are Ada, friend of every zebra.", variety: true },
  { ...NORI, custom_system_prompt: "You are Nori, friend of every walrus.", variety: true },
];
/** Nobody has a key for its lane. */
const ADA_ELSEWHERE = { ...FILES[0], llm_provider: "gemini", llm_config: { model: "gemini-3.5-flash" } };

export interface PurgedSystem extends AsyncDisposable {
  readonly system: GenerationSystem;
  readonly server: RecordedServer;
  /** A job of Ada's whose call hangs. */
  readonly hanging: string;
}

export async function startPurgedSystem(): Promise<PurgedSystem> {
  const gate = Promise.withResolvers<void>();
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startRecordedServer((call) => answerTo(call, gate.promise)));
  stack.defer(() => gate.resolve());
  const settings = { variety: {}, batch: { collectSeconds: 600 } };
  const system = stack.use(await startSystem({ openai: server, agents: FILES, settings }));
  await system.startWorker();
  await endJobs(system);
  await waitingJobs(system);
  await schedule(system);
  await system.producer.enqueue({ kind: "tweet", agent: "ada", id: "hanging", context: { topic: "zebra hang" } });
  await waitFor(() => server.calls.some(({ bodyText }) => bodyText.includes("zebra hang")), {
    describe: () => "the call hangs",
  });
  return {
    ...{ system, server, hanging: "hanging" },
    [Symbol.asyncDispose]: async () => await stack.disposeAsync(),
  };
}

/** What is written follows from what is asked: the words of Ada's jobs lead to Ada's texts. */
async function answerTo({ bodyText, index }: SeenCall, gate: Promise<void>): Promise<RecordedAnswer> {
  const beast = bodyText.includes("walrus") ? "narwhal" : "okapi";
  if (bodyText.includes("hang")) await gate;
  if (bodyText.includes("refuse"))
    return completionAnswer({ text: `I'm sorry, but I can't help with that ${beast} request.` });
  if (bodyText.includes("fail")) {
    const error = {
      message: `cannot write about the ${beast}`,
      type: "invalid_request_error",
      param: null,
      code: null,
    };
    return { response: { status: 400, headers: { "content-type": "application/json" }, body: { error } } };
  }
  const link = bodyText.includes("hold") ? " https://evil.example/" : "";
  return completionAnswer({ text: `Number ${index} of ${SAYINGS[index % SAYINGS.length]}: the ${beast}.${link}` });
}

/** Texts that are not alike. */
const SAYINGS = [
  "the tall grass",
  "a cold morning by the river",
  "every map I ever drew",
  "our quiet neighbours",
  "lost hats",
];

async function endJobs(system: GenerationSystem): Promise<void> {
  for (const [agent, beast] of [
    ["nori", "walrus"],
    ["ada", "zebra"],
  ] as const) {
    const context = { topic: `the ${beast}` };
    await system.run({ kind: "tweet", agent, id: `${agent}-tweet`, context });
    await system.run({
      kind: "reply",
      agent,
      id: `${agent}-reply`,
      mention: `a ${beast}?`,
      conversation_history: [`${beast}!`],
    });
    await system.run({ kind: "content", agent, id: `${agent}-cached`, prompt: `Explain the ${beast}.`, cache: true });
    await system.run({ kind: "tweet", agent, id: `${agent}-held`, context: { topic: `hold the ${beast}` } });
    await system.run({ kind: "tweet", agent, id: `${agent}-refused`, context: { topic: `refuse the ${beast}` } });
    await system.run({ kind: "tweet", agent, id: `${agent}-failed`, context: { topic: `fail the ${beast}` } });
    await system.producer.feedback(`${agent}-tweet`, 0.5);
  }
}

/** In a lane that nobody serves, and for a batch that is not formed yet. */
async function waitingJobs(system: GenerationSystem): Promise<void> {
  const { producer, redis, keys } = system;
  const elsewhere = system.producerOf([ADA_ELSEWHERE]);
  await elsewhere.enqueue({ kind: "tweet", agent: "ada", id: "waiting", context: { topic: "a patient zebra" } });
  for (const [agent, beast] of [
    ["nori", "walrus"],
    ["ada", "zebra"],
  ] as const) {
    await producer.enqueue({
      kind: "tweet",
      agent,
      id: `${agent}-batch`,
      delivery: "batch",
      context: { topic: beast },
    });
  }
  await waitFor(
    async () => {
      const [group = ""] = await redis.hkeys(keys.batchGroups);
      return (await redis.llen(keys.batchOpen(group))) === 2;
    },
    { describe: () => "both jobs wait for a batch" },
  );
}

async function schedule({ redis, namespace }: GenerationSystem): Promise<void> {
  const store = createScheduleStore(redis, namespace);
  for (const [index, topic] of ["zebra", "walrus"].entries()) {
    const file = { ...FILES[index], schedule: { cron: "0 0 1 1 *", topics: [topic] } };
    const { agent, schedule: parsed } = parseAgentObject("agent", file, compileOptions(DEFAULTS));
    if (parsed === null) throw new Error("the agent has no schedule");
    await store.write(storedScheduleOf(parsed, agent, Date.now()), { lastSlotAt: Date.now(), isNew: true });
  }
}
