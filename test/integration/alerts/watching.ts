import { pino } from "pino";
import type { AlertMessage } from "../../../src/alerts/webhook.ts";
import type { AlertWatcher } from "../../../src/alerts/watcher.ts";
import { composeAlertWatcher } from "../../../src/compose-alerts.ts";
import { configFileSchema } from "../../../src/config/config-file.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { createLaneQueues } from "../../../src/queue/lane-queues.ts";
import { connectTestRedis } from "../../support/redis.ts";
import { openNamespace, type TestNamespace } from "../../support/attempts.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../../support/recorded-server.ts";

const KEY = "openai#1a2b3c4d";
const GROUP = "openai/gpt-6-luna#1a2b3c4d";
export const LOOK_MS = 15_000;
export const HOUR_MS = 3600_000;

/** Everything is well: what receivers answer. */
export const OK: Answer = { response: { status: 200, headers: {}, bodyText: "ok" } };

export interface WatcherChoice {
  /** False: this one does not know the webhook. */
  readonly webhook?: boolean;
  /** As the monitor's. */
  readonly isStandIn?: boolean;
  /** Default: the receiver's. */
  readonly url?: string;
  /** The configuration file. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Watchers whose clock a test turns, and whoever they tell. */
export interface Watching extends TestNamespace {
  readonly receiver: RecordedServer;
  /** What the receiver got. */
  messages(): readonly AlertMessage[];
  /** `firing 1` and so on. */
  told(): readonly string[];
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  watcher(options?: WatcherChoice): AlertWatcher;
  /** The clock goes on. @returns epoch ms */
  pass(ms: number): number;
  now(): number;
  /** The key is left alone from now on, or not any more. */
  pause(why: string | null): Promise<void>;
  /** A call with it succeeds now. */
  succeed(): Promise<void>;
}

export async function openWatching(...answers: Answer[]): Promise<Watching> {
  const at = await openNamespace();
  const watching = await watchOver(at, ...answers);
  return {
    ...watching,
    async [Symbol.asyncDispose]() {
      await watching[Symbol.asyncDispose]();
      await at[Symbol.asyncDispose]();
    },
  };
}

/** The same for a namespace that there is already. */
export async function watchOver(
  at: Pick<TestNamespace, "redis" | "namespace" | "keys">,
  ...answers: Answer[]
): Promise<Watching> {
  const stack = new AsyncDisposableStack();
  const receiver = stack.use(await startRecordedServer(...(answers.length > 0 ? answers : [OK])));
  const queueRedis = stack.use(await connectTestRedis({ maxRetriesPerRequest: null }));
  const queues = createLaneQueues(queueRedis, at.namespace);
  stack.defer(async () => await queues.close());
  const logs: Record<string, unknown>[] = [];
  const write = (line: string): void => void logs.push(JSON.parse(line) as Record<string, unknown>);
  const logger = pino({ level: "debug", base: null }, { write });
  let now = Date.now();
  const clock = { now: () => now, monotonicMs: () => now };
  const messages = (): AlertMessage[] => receiver.calls.map(({ body }) => body as unknown as AlertMessage);
  return {
    ...{ redis: at.redis, namespace: at.namespace, keys: at.keys, receiver, messages, logs },
    told: () => messages().map(({ state, id }) => `${state} ${id.replace(/^.*\./, "")}`),
    watcher({ webhook = true, url = receiver.baseUrl, settings = {}, isStandIn = false } = {}) {
      const environment = {
        PUPPET_ENGINE_NAMESPACE: at.namespace,
        ...(webhook ? { ALERT_WEBHOOK_URL: url } : {}),
      };
      const loaded = loadConfig({ environment, directory: import.meta.dirname, isTerminal: false });
      const config = { ...loaded, file: configFileSchema.parse(settings) };
      const watcher = composeAlertWatcher({ config, redis: at.redis, queues, logger, clock, isStandIn });
      stack.defer(async () => await watcher.close());
      return watcher;
    },
    pass: (ms) => (now += ms),
    now: () => now,
    async pause(why) {
      if (why === null) return void (await at.redis.del(at.keys.credential(KEY)));
      await at.redis.hset(at.keys.credential(KEY), { pausedUntil: now + 24 * HOUR_MS, why });
      await at.redis.sadd(at.keys.knownLimits, KEY, GROUP);
    },
    async succeed() {
      await at.redis.hset(at.keys.limitGroup(GROUP), "seen", 1);
      await at.redis.lpush(at.keys.lastCalls(GROUP), `100 succeeded ${now}`);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
