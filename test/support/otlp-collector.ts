import { startRecordedServer, type Answer, type SeenCall } from "./recorded-server.ts";

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** `null`: it is the first of its trace. */
  readonly parentSpanId: string | null;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly unknown[];
  /** Attributes of the process that sent it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** An OpenTelemetry collector on loopback, for OTLP over HTTP. */
export interface OtlpCollector extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** What switches traces on, at once and in JSON. */
  readonly environment: Readonly<Record<string, string>>;
  readonly calls: readonly SeenCall[];
  /** Everything that has arrived, as text. */
  readonly bodies: string;
  /** Spans that came as JSON, in the order in which they ended. */
  spans(): readonly ReceivedSpan[];
}

/** @param answer default: everything is taken */
export async function startCollector(answer: Answer = accept): Promise<OtlpCollector> {
  const server = await startRecordedServer(answer);
  const endpoint = server.baseUrl.replace("/v1", "");
  return {
    endpoint,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "20",
    },
    calls: server.calls,
    get bodies() {
      return server.calls.map(({ bodyText }) => bodyText).join("\n");
    },
    spans: () => server.calls.flatMap(({ body }) => spansOf(body as unknown as TracesData | undefined)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const accept: Answer = (_call, response) => {
  response.writeHead(200, { "content-type": "application/json" }).end("{}");
};

/** As in https://github.com/open-telemetry/opentelemetry-proto, in JSON. */
interface TracesData {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

interface WireSpan extends Pick<ReceivedSpan, "traceId" | "spanId" | "name" | "kind"> {
  readonly parentSpanId?: string;
  readonly attributes?: readonly KeyValue[];
  readonly events?: readonly unknown[];
  readonly status?: { readonly code?: number };
}

interface KeyValue {
  readonly key: string;
  readonly value: WireValue;
}

interface WireValue {
  readonly arrayValue?: { readonly values: readonly WireValue[] };
  readonly [type: string]: unknown;
}

const ERROR = 2;

function spansOf(data: TracesData | undefined): ReceivedSpan[] {
  return (data?.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ traceId, spanId, parentSpanId, name, kind, status, attributes = [], events = [] }) => ({
        ...{ traceId, spanId, parentSpanId: parentSpanId ?? null, name, kind, events },
        isError: status?.code === ERROR,
        attributes: recordOf(attributes),
        resource: recordOf(resource.attributes),
      })),
    ),
  );
}

function recordOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf({ arrayValue, ...plain }: WireValue): unknown {
  return arrayValue === undefined ? Object.values(plain)[0] : arrayValue.values.map(valueOf);
}
