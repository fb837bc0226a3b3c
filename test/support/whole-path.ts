import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect } from "vitest";
import { parseAgentObject } from "../../src/agents/parse-agent.ts";
import { compileOptions, composeProducer } from "../../src/compose.ts";
import { composeMonitor } from "../../src/compose-monitor.ts";
import { composeOperator } from "../../src/compose-operator.ts";
import { composeWorker } from "../../src/compose-worker.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { JobInput } from "../../src/job/generation-job.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

const JOBS = 60;
const AGENTS = ["one", "two", "three"].map((id) => ({
  ...{ id, name: id, llm_provider: "fake", llm_config: { model: `fake-${id}` }, cache: id === "two" },
  custom_system_prompt: "You write short posts about machines.",
  ...(id === "one" && { schedule: { cron: "* * * * *", topics: ["kettles"] } }),
}));
const SETTINGS = { batch: { collectSeconds: 0.05, pollSeconds: 0.05 } };
const PAGES = ["/", "/usage", "/runs", "/results", "/results/tweet-0", "/metrics", "/readyz", "/board/api/queues"];
const API = ["/health", "/lanes", "/usage", "/runs", "/schedules", "/jobs/tweet-0", "/jobs/tweet-0/result"];

/**
 * Does everything once that a system does with Redis: jobs of several lanes one by one, in bulk and by batch, with
 * schedules, feedback, cancelling, pausing, alerts, pages, API, Bull Board and purging. Calls nobody but the fake provider.
 * @param environment says where Redis is
 * @param purgeUrl as whom an agent is purged; default: as all else
 */
export async function walkTheWholePath(
  environment: Readonly<Record<string, string>>,
  purgeUrl?: string,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeTempFolder());
  await writeFile(join(folder.path, "config.json"), JSON.stringify(SETTINGS));
  const config = loadConfig({
    environment: {
      PUPPET_ENGINE_NAMESPACE: `path-${randomBytes(4).toString("hex")}`,
      PUPPET_ENGINE_CONFIG: "config.json",
      ...environment,
    },
    directory: folder.path,
    isTerminal: false,
  });
  const { redis: address } = config;
  if (address === null) throw new Error("no REDIS_URL");
  const parsed = AGENTS.map((file) => parseAgentObject("agent", file, compileOptions(config)));
  const agents = new Map(parsed.map(({ agent }) => [agent.id, agent]));
  const schedules = new Map(
    parsed.flatMap(({ agent, schedule }) => (schedule === null ? [] : [[agent.id, schedule] as const])),
  );
  const errors: string[] = [];
  const logger = pino({ level: "error", base: null }, { write: (line) => void errors.push(line) });
  const producer = stack.use(composeProducer({ config, address, agents, schedules }));
  const operator = stack.use(composeOperator({ config, address }));
  const worker = await composeWorker({ config, address, logger, alertsEveryMs: 200 });
  stack.defer(async () => void (await worker.stop({ graceMs: 0 })));
  const monitorConfig = { ...config, monitor: { ...config.monitor, port: 0 } };
  const monitor = stack.use(
    await composeMonitor({ config: monitorConfig, address, agents, schedules, readOnly: false }),
  );

  await producer.schedules.sync({});
  const inputs = Array.from({ length: JOBS }, (_, index) => tweet(index));
  expect(await producer.enqueueMany(inputs)).toMatchObject({ enqueued: JOBS, refused: 0 });
  const results = await Promise.all(
    inputs.map(async ({ id }) => await producer.result(String(id), { waitMs: 25_000 })),
  );
  expect(results.map((result) => result?.status)).toEqual(inputs.map(() => "succeeded"));
  expect(await producer.enqueueMany(inputs)).toMatchObject({ alreadyFinished: JOBS });
  expect(await producer.feedback("tweet-0", 0.5)).toBeTruthy();

  await producer.enqueue({ ...tweet(0), id: "batched", delivery: "batch" });
  expect(await operator.pause({ what: "all" })).toBe(true);
  await producer.enqueue({ ...tweet(1), id: "held" });
  expect((await operator.affectedBy({ what: "all" })).standing).toHaveLength(AGENTS.length);
  expect(await producer.cancel("held")).toBe("cancelled");
  expect(await operator.resume({ what: "all" })).toBe(true);
  expect(await operator.health(Date.now())).toBeTruthy();
  expect(await operator.alerts()).toBeTruthy();
  await waitFor(async () => (await operator.batches.list()).length > 0, { describe: () => "a batch" });

  const get = async (path: string): Promise<void> => {
    const response = await fetch(`${monitor.url}${path}`);
    expect(`${path} ${response.status} ${response.ok ? "" : await response.text()}`).toBe(`${path} 200 `);
  };
  for (const path of [...PAGES, ...API.map((part) => `/api/v1${part}`)]) await get(path);
  for (const { name } of await operator.lanes()) await get(`/board/api/queues?activeQueue=${encodeURIComponent(name)}`);

  const purgeAddress = purgeUrl === undefined ? address : { url: purgeUrl };
  const purger = stack.use(composeProducer({ config, address: purgeAddress, agents, schedules }));
  expect(await purger.purge("three")).toMatchObject({ results: JOBS / AGENTS.length, underWay: 0 });
  expect(errors).toEqual([]);
}

function tweet(index: number): JobInput {
  const agent = AGENTS[index % AGENTS.length]?.id ?? "";
  return { kind: "tweet", id: `tweet-${index}`, agent, context: { topic: `kettle number ${index}` } };
}
