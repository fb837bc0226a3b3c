import { context, propagation, trace } from "@opentelemetry/api";
import { createCallTracer } from "./call-spans.ts";
import type { Tracing } from "./open-tracing.ts";
import { createQueueTracing } from "./queue-spans.ts";

/** Everything in here goes through the global API, whoever has registered what is behind it. */
export function createTracing(close: () => Promise<void>): Tracing {
  return {
    queues: createQueueTracing(),
    callTracer: createCallTracer,
    continueTrace(headers, run) {
      const active = context.active();
      // A program that traces its HTTP server by itself has done so already.
      if (trace.getSpan(active) !== undefined) return run();
      context.with(propagation.extract(active, headers), run);
    },
    [Symbol.asyncDispose]: close,
  };
}
