import { startSystem, type GenerationSystem, type SystemOptions } from "../../support/generation-system.ts";
import { openApi, type ApiClient } from "./api-client.ts";
import { openMonitor, type TestMonitor, type TestMonitorOptions } from "./open-monitor.ts";

/** Written by the fake provider, at once. */
export const MIA = { id: "mia", name: "Mia", llm_provider: "fake", custom_system_prompt: "You are Mia." };
/** Written by a recorded server. */
export const NORI = { ...MIA, id: "nori", llm_provider: "openai", llm_config: { model: "gpt-6-luna" } };
export const TWEET = { kind: "tweet", agent: "mia", context: { topic: "rain" } } as const;

export const FAKE_LANE = "fake~fake-1";
export const OPENAI_LANE = "openai~gpt-6-luna";

export interface ApiSystem extends AsyncDisposable {
  readonly system: GenerationSystem;
  readonly monitor: TestMonitor;
  readonly api: ApiClient;
}

/** A system and the API that looks at it. `agents` are those of both. */
export async function openApiSystem({
  monitor: monitorOptions,
  agents = [MIA, NORI],
  ...options
}: SystemOptions & { readonly monitor?: Partial<TestMonitorOptions> } = {}): Promise<ApiSystem> {
  const stack = new AsyncDisposableStack();
  const system = stack.use(await startSystem({ agents, ...options }));
  const monitor = stack.use(await openMonitor({ namespace: system.namespace, agents, ...monitorOptions }));
  const api = await openApi(monitor, monitorOptions?.token);
  return { system, monitor, api, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
