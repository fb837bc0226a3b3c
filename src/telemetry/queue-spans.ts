import { createContextKey, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context } from "@opentelemetry/api";
import type { Span, Telemetry } from "bullmq";
import { BullMQOtel } from "bullmq-otel";
import type { QueueTracing } from "../queue/queue-tracing.ts";

/** BullMQ's attributes that are names and numbers. Others hold whole results, options or reasons. */
const KEPT: ReadonlySet<string> = new Set([
  ...["bullmq.queue.name", "bullmq.queue.operation", "bullmq.worker.id"],
  ...["bullmq.job.id", "bullmq.job.attempts.made", "bullmq.job.bulk.count"],
]);

/** Set where BullMQ believes that it has a span, and we made none. */
const SKIPPED = createContextKey("puppet-engine: no span");

/**
 * BullMQ's spans of adding and processing jobs. Its others are its own housekeeping, several a second of each lane, and
 * are not made. Each turn of a job is a child of the span that added it, retries too: BullMQ would hang each retry below
 * the one before.
 */
export function createQueueTracing(): QueueTracing {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: "bullmq" });
  const telemetry: Telemetry<Context> = {
    tracer: {
      startSpan(name, options, parent) {
        const kind: unknown = (options as { kind?: unknown } | undefined)?.kind;
        if (kind !== SpanKind.PRODUCER && kind !== SpanKind.CONSUMER) return NO_SPAN;
        return tidied(tracer.startSpan(name, options, parent));
      },
    },
    contextManager: {
      with: (context: Context, run) => contextManager.with(context, run),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      // An empty one leaves the job's as it is.
      getMetadata: (context: Context) =>
        context.getValue(SKIPPED) === true ? "" : contextManager.getMetadata(context),
      fromMetadata(active: Context, metadata) {
        try {
          return contextManager.fromMetadata(active, metadata);
        } catch {
          // Anybody with access to Redis can write there.
          return active;
        }
      },
    },
  };
  return {
    telemetry,
    onProcessed({ jobId, agentId, lane, outcome, isError }) {
      const span = trace.getActiveSpan();
      span?.setAttributes({ "puppet.job.id": jobId, "puppet.lane": lane, "puppet.outcome": outcome });
      if (agentId !== null) span?.setAttribute("puppet.agent.id", agentId);
      if (isError) span?.setStatus({ code: SpanStatusCode.ERROR });
    },
  };
}

const NO_SPAN: Span<Context> = {
  setSpanOnContext: (context) => context.setValue(SKIPPED, true),
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/** Without what may hold texts: results and reasons in attributes and events, messages of errors. */
function tidied(span: Span<Context>): Span<Context> {
  const own = trace.getSpan(span.setSpanOnContext(ROOT_CONTEXT));
  return {
    setSpanOnContext: (context) => span.setSpanOnContext(context).deleteValue(SKIPPED),
    setAttribute: (name, value) => {
      if (KEPT.has(name)) span.setAttribute(name, value);
    },
    setAttributes: (attributes) => span.setAttributes(keptOf(attributes)),
    addEvent: () => undefined,
    recordException(exception) {
      const name = typeof exception === "string" ? undefined : (exception.code ?? exception.name);
      own?.setAttribute("error.type", String(name ?? "_OTHER"));
      own?.setStatus({ code: SpanStatusCode.ERROR });
    },
    end: () => span.end(),
  };
}

function keptOf<Value>(attributes: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => KEPT.has(name)));
}
