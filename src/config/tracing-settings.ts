import { formatProblem, showValue } from "../platform/problem.ts";
import { isUnusableAddress, plainHost } from "../platform/network-address.ts";
import type { EnvironmentReader } from "./environment.ts";

/**
 * Which spans are sent, and where to: the standard variables of OpenTelemetry, as far as a `.env` file may have them.
 * The others (time-outs, compression, certificates) are read by the exporter itself, and from the environment alone.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export interface TracingConfig {
  readonly protocol: OtlpProtocol;
  /** The whole address that spans are posted to. May hold a password: never print more of it than its origin. */
  readonly url: string;
  /** Sent along, as `name=value,name=value`, percent-encoded. Keys are in here: never log it. */
  readonly headers: string | null;
  readonly serviceName: string | null;
  /** As `name=value,name=value`, percent-encoded. */
  readonly resourceAttributes: string | null;
  readonly sampler: { readonly name: SamplerName; /** 0–1 */ readonly ratio: number };
  readonly batch: BatchLimits;
}

/** gRPC needs three times as many packages; every collector takes these two. */
export const OTLP_PROTOCOLS = ["http/protobuf", "http/json"] as const;
export type OtlpProtocol = (typeof OTLP_PROTOCOLS)[number];

export const SAMPLERS = [
  ...(["always_on", "always_off", "traceidratio"] as const),
  ...(["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"] as const),
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** Of the SDK's batch processor; what is left out has the SDK's own default. */
export interface BatchLimits {
  readonly scheduledDelayMillis?: number;
  readonly exportTimeoutMillis?: number;
  readonly maxQueueSize?: number;
  readonly maxExportBatchSize?: number;
}

const DEFAULT_ENDPOINT = "http://localhost:4318";
const DEFAULT_SAMPLER: SamplerName = "parentbased_always_on";
const NOTHING_SENT = "no traces are sent";

type Given = ReturnType<typeof readAll>;
type Note = (path: string, got: string, expected: string) => void;

/**
 * These variables are often set for a whole machine, with other programs in mind: what we cannot do is a note, and no
 * reason not to start.
 * @returns `null`: nobody wants traces
 */
export function readTracing(read: EnvironmentReader, notes: string[]): TracingConfig | null {
  const given = readAll(read);
  const note: Note = (path, got, expected) =>
    void notes.push(formatProblem({ source: "environment", path, got, expected }));
  if (!isWanted(given, note)) return null;
  const protocol = protocolOf(given, note);
  const url = urlOf(given, note);
  if (protocol === null || url === null) return null;
  return {
    ...{ protocol, url, headers: given.tracesHeaders ?? given.headers ?? null },
    ...{ serviceName: given.serviceName ?? null, resourceAttributes: given.resourceAttributes ?? null },
    sampler: samplerOf(given, note),
    batch: batchOf(given, note),
  };
}

function readAll(read: EnvironmentReader) {
  return {
    disabled: read("OTEL_SDK_DISABLED"),
    exporters: read("OTEL_TRACES_EXPORTER"),
    endpoint: read("OTEL_EXPORTER_OTLP_ENDPOINT"),
    tracesEndpoint: read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    protocol: read("OTEL_EXPORTER_OTLP_PROTOCOL"),
    tracesProtocol: read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"),
    headers: read.secret("OTEL_EXPORTER_OTLP_HEADERS", valuesOf),
    tracesHeaders: read.secret("OTEL_EXPORTER_OTLP_TRACES_HEADERS", valuesOf),
    serviceName: read("OTEL_SERVICE_NAME"),
    resourceAttributes: read("OTEL_RESOURCE_ATTRIBUTES"),
    sampler: read("OTEL_TRACES_SAMPLER"),
    samplerArgument: read("OTEL_TRACES_SAMPLER_ARG"),
    scheduleDelay: read("OTEL_BSP_SCHEDULE_DELAY"),
    exportTimeout: read("OTEL_BSP_EXPORT_TIMEOUT"),
    queueSize: read("OTEL_BSP_MAX_QUEUE_SIZE"),
    batchSize: read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
  };
}

/** Of `name=value,name=value`, each also without its `Bearer `. */
function valuesOf(headers: string): string[] {
  const values = headers.split(",").map((pair) => pair.slice(pair.indexOf("=") + 1).trim());
  return values.flatMap((value) => [value, ...value.split(/ |%20/)]);
}

function isWanted({ disabled, exporters, endpoint, tracesEndpoint }: Given, note: Note): boolean {
  if (disabled?.toLowerCase() === "true" || (exporters ?? endpoint ?? tracesEndpoint) === undefined) return false;
  const names = (exporters ?? "otlp").split(",").map((name) => name.trim());
  if (names.includes("none")) return false;
  const isOurs = names.includes("otlp");
  if (!isOurs) note("OTEL_TRACES_EXPORTER", showValue(exporters), `otlp or none; ${NOTHING_SENT}`);
  return isOurs;
}

function protocolOf({ protocol, tracesProtocol }: Given, note: Note): OtlpProtocol | null {
  const wanted = tracesProtocol ?? protocol ?? OTLP_PROTOCOLS[0];
  const known = OTLP_PROTOCOLS.find((name) => name === wanted);
  if (known !== undefined) return known;
  const path = `OTEL_EXPORTER_OTLP_${tracesProtocol === undefined ? "" : "TRACES_"}PROTOCOL`;
  note(path, showValue(wanted), `${OTLP_PROTOCOLS.join(" or ")}, mostly at port 4318; ${NOTHING_SENT}`);
  return null;
}

/** The address for traces alone counts as it stands; the common one is what each signal's path is appended to. */
function urlOf({ endpoint = DEFAULT_ENDPOINT, tracesEndpoint }: Given, note: Note): string | null {
  const url = tracesEndpoint ?? `${endpoint.replace(/\/$/, "")}/v1/traces`;
  const host = /^https?:\/\//i.test(url) ? URL.parse(url)?.hostname : undefined;
  if (host !== undefined && !isUnusableAddress(plainHost(host))) return url;
  const path = `OTEL_EXPORTER_OTLP_${tracesEndpoint === undefined ? "" : "TRACES_"}ENDPOINT`;
  note(path, "something else", `http://HOST:PORT or https://HOST:PORT; ${NOTHING_SENT}`);
  return null;
}

function samplerOf({ sampler, samplerArgument }: Given, note: Note): TracingConfig["sampler"] {
  const name = SAMPLERS.find((known) => known === (sampler ?? DEFAULT_SAMPLER));
  if (name === undefined) {
    const expected = `one of ${SAMPLERS.join(", ")}; ${DEFAULT_SAMPLER} is used`;
    note("OTEL_TRACES_SAMPLER", showValue(sampler), expected);
    return { name: DEFAULT_SAMPLER, ratio: 1 };
  }
  if (!name.endsWith("traceidratio") || samplerArgument === undefined) return { name, ratio: 1 };
  const ratio = Number(samplerArgument);
  if (ratio >= 0 && ratio <= 1) return { name, ratio };
  note("OTEL_TRACES_SAMPLER_ARG", showValue(samplerArgument), "a share, 0–1; 1 is used");
  return { name, ratio: 1 };
}

function batchOf({ scheduleDelay, exportTimeout, queueSize, batchSize }: Given, note: Note): BatchLimits {
  const limit = (field: keyof BatchLimits, name: string, value: string | undefined): BatchLimits => {
    if (value === undefined) return {};
    const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    if (number > 0) return { [field]: number };
    note(`OTEL_BSP_${name}`, showValue(value), "an integer from 1; the default is used");
    return {};
  };
  return {
    ...limit("scheduledDelayMillis", "SCHEDULE_DELAY", scheduleDelay),
    ...limit("exportTimeoutMillis", "EXPORT_TIMEOUT", exportTimeout),
    ...limit("maxQueueSize", "MAX_QUEUE_SIZE", queueSize),
    ...limit("maxExportBatchSize", "MAX_EXPORT_BATCH_SIZE", batchSize),
  };
}
