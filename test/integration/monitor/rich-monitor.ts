import { DEFAULT_CONFIG, configFileSchema } from "../../../src/config/config-file.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openMonitor, type TestMonitor } from "./open-monitor.ts";

/** A monitor of a system where something of everything has happened. */
export interface RichMonitor extends AsyncDisposable {
  readonly monitor: TestMonitor;
  readonly system: GenerationSystem;
}

/** OpenAI fails and is then out of money, Grok takes over; a worker runs, and has told what it has counted. */
export async function openRichMonitor(token?: string): Promise<RichMonitor> {
  const stack = new AsyncDisposableStack();
  const openai = stack.use(
    await startRecordedServer(
      recordedAnswer("openai/500-server-error.json"),
      recordedAnswer("openai/429-insufficient-quota.json"),
    ),
  );
  const grok = stack.use(await startRecordedServer(completionAnswer({ model: "grok-4.3" })));
  const system = stack.use(await startSystem({ openai, grok }));
  const { budgets } = configFileSchema.parse({ budgets: { globalUsdPerDay: 10, providerUsdPerDay: { grok: 1 } } });
  const { namespace, redis, keys, producer } = system;
  const file = { ...DEFAULT_CONFIG, budgets };
  const monitor = stack.use(await openMonitor({ namespace, file, ...(token === undefined ? {} : { token }) }));
  await system.startWorker();
  for (const id of ["a", "b"]) await system.run({ id, kind: "tweet", agent: "ada" });
  await producer.feedback("a", 0.9);
  await waitFor(async () => await redis.exists(keys.metrics), { describe: "the worker tells what it has counted" });
  return { monitor, system, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
