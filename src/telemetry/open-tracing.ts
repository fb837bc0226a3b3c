import type { IncomingHttpHeaders } from "node:http";
import type { TracingConfig } from "../config/tracing-settings.ts";
import type { TraceCall } from "../generation/trace-call.ts";
import type { QueueTracing } from "../queue/queue-tracing.ts";
import type { ServerAddress } from "./call-spans.ts";
import type { Sdk } from "./sdk.ts";

/** Traces of this process's part of the work. Disposing it sends what is left, within two seconds. */
export interface Tracing extends AsyncDisposable {
  readonly queues: QueueTracing;
  /** @param servers where the providers' APIs are, by provider */
  callTracer(servers: ReadonlyMap<string, ServerAddress>): TraceCall;
  /** Runs it in the trace that an HTTP request is part of, by its `traceparent`; in none without one. */
  continueTrace(headers: IncomingHttpHeaders, run: () => void): void;
}

export interface TracingOptions {
  /** `null`: the environment asks for no traces. */
  readonly config: TracingConfig | null;
  /** Told once when spans cannot be delivered. */
  readonly warn: (message: string) => void;
}

/** Ours, as long as somebody in this process uses it. */
let running: { readonly sdk: Promise<Sdk>; users: number } | undefined;

/**
 * A program that has registered a tracer provider of its own is respected: our spans go there, and nothing of ours is
 * started or stopped.
 * @returns `undefined`: nobody wants traces; then nothing of OpenTelemetry has been loaded
 */
export async function openTracing({ config, warn }: TracingOptions): Promise<Tracing | undefined> {
  const isForeign = running === undefined && isProviderRegistered();
  if (config === null && !isForeign) return undefined;
  const close = config === null || isForeign ? null : await useSdk(config, warn);
  const { createTracing } = await import("./create-tracing.ts");
  return createTracing(close ?? (async () => undefined));
}

/** @returns ends the use */
async function useSdk(config: TracingConfig, warn: TracingOptions["warn"]): Promise<() => Promise<void>> {
  running ??= { sdk: import("./sdk.ts").then(async ({ startSdk }) => await startSdk(config, warn)), users: 0 };
  const used = running;
  used.users += 1;
  const sdk = await used.sdk;
  let isOver = false;
  return async () => {
    if (isOver) return;
    isOver = true;
    used.users -= 1;
    if (used.users > 0) return;
    running = undefined;
    await sdk.close();
  };
}

/** Where @opentelemetry/api keeps what is registered; asked here without loading it. */
function isProviderRegistered(): boolean {
  const api = (globalThis as Record<symbol, unknown>)[Symbol.for("opentelemetry.js.api.1")];
  return (api as { trace?: unknown } | undefined)?.trace !== undefined;
}
