/** One side of the bulk benchmark: adds rows, or runs them, or works them off; with the fake provider. */
import { Redis } from "ioredis";
import { checkInput } from "../../src/bulk/check-input.ts";
import { openOutput } from "../../src/bulk/output-file.ts";
import { readJobs } from "../../src/bulk/read-jobs.ts";
import { runBulk } from "../../src/bulk/run-bulk.ts";
import { composeWorker } from "../../src/compose-worker.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { JobInput } from "../../src/job/generation-job.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { keepHeapSmall } from "../../src/platform/small-heap.ts";
import type { GenerationWorker } from "../../src/queue/worker.ts";
import { bareQueue, fillBare } from "../bare-job.ts";
import { benchAgent, benchProducer } from "../our-jobs.ts";
import { serveRequests } from "../programs.ts";

export interface BulkProgram {
  start(request: { readonly redisPath: string }): Promise<void>;
  /** Claim + add of a file, without anything else. */
  add(request: { readonly input: string }): Promise<AddedRows>;
  addBare(request: { readonly rows: number }): Promise<{ readonly perSecond: number }>;
  work(): Promise<void>;
  /** Begins a whole run. */
  run(request: { readonly input: string; readonly out: string; readonly rows: number }): Promise<void>;
  state(): Promise<BulkProgramState>;
  stop(): Promise<void>;
}

export interface AddedRows {
  /** Checking the whole file, which comes before. */
  readonly checkedPerSecond: number;
  readonly perSecond: number;
  readonly mebibytes: number;
}

export interface BulkProgramState {
  readonly isDone: boolean;
  readonly succeeded: number;
  readonly mebibytes: number;
}

const NAMESPACE = "bench";
const AGENT = benchAgent("bench", { llm_provider: "fake", llm_config: {} });
const KNOWN = new Set([AGENT.id]);

const own: {
  path: string;
  worker?: GenerationWorker;
  state: { isDone: boolean; succeeded: number };
  most: number;
} = { path: "", state: { isDone: false, succeeded: 0 }, most: 0 };

function mebibytes(): number {
  return process.memoryUsage().rss / 2 ** 20;
}

serveRequests<BulkProgram>({
  async start({ redisPath }) {
    own.path = redisPath;
  },
  async add({ input }) {
    keepHeapSmall();
    await using producer = await benchProducer({ path: own.path, connection: await connect() }, NAMESPACE, [AGENT]);
    const timer = setInterval(() => (own.most = Math.max(own.most, mebibytes())), 100);
    const checkingMs = performance.now();
    const { rows, repeats } = await checkInput({ input, agent: null, knownAgents: KNOWN });
    const startedMs = performance.now();
    const { enqueued } = await producer.enqueueMany(jobsOf(input, repeats));
    const perSecond = (enqueued * 1000) / (performance.now() - startedMs);
    clearInterval(timer);
    const checkedPerSecond = (rows * 1000) / (startedMs - checkingMs);
    return { checkedPerSecond, perSecond, mebibytes: Math.max(own.most, mebibytes()) };
  },
  async addBare({ rows }) {
    const queue = bareQueue({ path: own.path, connection: await connect() }, NAMESPACE);
    await queue.waitUntilReady();
    const startedMs = performance.now();
    await fillBare(queue, rows);
    const perSecond = (rows * 1000) / (performance.now() - startedMs);
    await queue.close();
    return { perSecond };
  },
  async work() {
    const config = loadConfig({ environment: {}, directory: "/", isTerminal: false });
    own.worker = await composeWorker({
      config: { ...config, namespace: NAMESPACE, concurrency: 64 },
      address: { path: own.path },
      logger: createLogger({ level: "fatal", format: "json" }),
    });
  },
  async run({ input, out, rows }) {
    keepHeapSmall();
    const producer = await benchProducer({ path: own.path, connection: await connect() }, NAMESPACE, [AGENT]);
    const source = { input, agent: null, knownAgents: KNOWN };
    const { repeats } = await checkInput(source);
    const manifest = { runId: "bench", input, agent: null };
    const output = await openOutput(out, { manifest, resume: false, force: true });
    const options = {
      ...{ ...source, repeats, output, producer, skipInvalid: false, signal: new AbortController().signal },
      onProgress: ({ succeeded }: { readonly succeeded: number }) => void (own.state.succeeded = succeeded),
      onResult: () => undefined,
      onRefused: (error: Error) => console.error(error),
    };
    const whole = async (): Promise<void> => {
      await runBulk(options, rows);
      await output.complete();
      own.state.isDone = true;
    };
    void whole();
  },
  state: async () => ({ ...own.state, mebibytes: mebibytes() }),
  async stop() {
    await own.worker?.stop({ graceMs: 200 });
  },
});

async function connect(): Promise<Redis> {
  const redis = new Redis({ path: own.path, maxRetriesPerRequest: null });
  await redis.ping();
  return redis;
}

async function* jobsOf(input: string, repeats: ReadonlySet<number>): AsyncGenerator<JobInput> {
  for await (const read of readJobs({ input, agent: null, knownAgents: KNOWN, repeats }))
    if (read.is === "job") yield read.job;
}
