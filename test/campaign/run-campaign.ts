import { startFaultSystem } from "../support/faults/fault-system.ts";
import { startTcpProxy } from "../support/faults/tcp-proxy.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { wreak } from "./chaos.ts";
import { feed } from "./feed.ts";
import { startFleet } from "./fleet.ts";
import { planEvents, type Events } from "./plan.ts";
import { startStormyProvider } from "./provider.ts";
import type { Outcome } from "./report.ts";

export interface CampaignOptions {
  readonly seed: string;
  readonly jobs: number;
  readonly events: Events;
  readonly workers: number;
  /** Jobs in work per worker. */
  readonly concurrency: number;
  readonly meanPauseMs: number;
  readonly partitionMs: number;
  /** How long the provider takes for an answer, on average. */
  readonly meanAnswerMs: number;
  readonly onProgress: (line: string) => void;
}

/** What is in work when the last thing has happened must come to its end within this time. */
const LONGEST_END_MS = 10 * 60_000;

/** A provider's failures never end a job here: nothing but a fault of ours can. */
const SETTINGS = {
  retries: { baseSeconds: 0.05, capSeconds: 0.5, attempts: 10 },
  retention: { usageRows: 10_000_000 },
};

export async function runCampaign(options: CampaignOptions): Promise<Outcome> {
  const { seed, jobs, workers, concurrency, partitionMs, onProgress } = options;
  const startedMs = performance.now();
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startLocalRedis());
  const proxy = stack.use(await startTcpProxy({ port: Number(new URL(redis.url).port) }));
  const provider = stack.use(await startStormyProvider(seed, options.meanAnswerMs));
  const { server } = provider;
  const workerRedisUrl = `redis://127.0.0.1:${proxy.port}`;
  const system = stack.use(
    await startFaultSystem({ redisUrl: redis.url, workerRedisUrl, openai: server, concurrency, settings: SETTINGS }),
  );
  const fleet = await startFleet(system, workers);
  const over = new AbortController();
  stack.defer(() => over.abort());
  const plan = planEvents(options.events, { seed, meanPauseMs: options.meanPauseMs });
  const past = { events: 0 };
  const feeding = feed(system, jobs, { share: () => (past.events + 1) / (plan.length + 1), signal: over.signal });
  const log = await wreak(plan, { system, fleet, redis, proxy, provider, partitionMs }, (done) => {
    past.events++;
    const happened = Object.entries(done).filter(([, count]) => count > 0);
    const events = happened.map(([kind, count]) => `${count} ${kind}`).join(", ");
    onProgress(`${events}; ${system.accepted.length} of ${jobs} jobs acknowledged, ${server.calls.length} calls`);
  });
  onProgress("everything has happened; waiting for the rest of the jobs");
  await feeding.done;
  await fleet.settled();
  await system.allEnded(LONGEST_END_MS);
  const badExits = await fleet.stop();
  const accounts = await system.reconcile();
  const wallMs = performance.now() - startedMs;
  const finalLog = { ...log, badExits: [...log.badExits, ...badExits] };
  return { accounts, log: finalLog, server, wallMs, concurrency, workers };
}
