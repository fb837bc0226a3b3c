import { ExportResultCode, parseKeyPairsIntoRecord } from "@opentelemetry/core";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../config/tracing-settings.ts";
import { createAddressCheck, refuseUnusable, RefusedAddressError, type Resolve } from "../platform/checked-lookup.ts";

/** An exporter that says once when spans do not arrive, and that can be told to make haste. */
export interface OtlpExporter extends SpanExporter {
  /** From now on no export takes long: somebody waits for the end. */
  hurry(): void;
  /** Warns, unless it has done so already. */
  complain(reason: string): void;
}

/** What a hurried export may take, retries included. The exporter's own default is 10 s. */
const HURRIED_MS = 1500;

/**
 * Time-outs, compression and certificates are the exporter's own business: it reads OTEL_EXPORTER_OTLP_TIMEOUT,
 * _COMPRESSION, _CERTIFICATE … from the environment by itself. It follows no redirect, and reads 4 MiB at most. Collectors
 * stand in private networks; only where no server of anybody's can be nothing is sent.
 * @param resolve how host names become addresses; default: as the system does it
 */
export async function createOtlpExporter(
  { protocol, url, headers }: TracingConfig,
  warn: (message: string) => void,
  resolve?: Resolve,
): Promise<OtlpExporter> {
  // Only the wanted one is loaded.
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  const { lookup } = createAddressCheck({ refuse: refuseUnusable, ...(resolve === undefined ? {} : { resolve }) });
  const connection = {
    url,
    httpAgentOptions: { lookup },
    ...(headers === null ? {} : { headers: parseKeyPairsIntoRecord(headers) }),
  };
  const patient = new OTLPTraceExporter(connection);
  const hurried = new OTLPTraceExporter({ ...connection, timeoutMillis: HURRIED_MS });
  let isInHurry = false;
  // Who is away gets no long tries: they would go on after the end of the program's own work.
  let isAway = false;
  let hasComplained = false;
  const complain = (reason: string): void => {
    if (!hasComplained) warn(`traces do not arrive at ${new URL(url).origin}: ${reason}; everything else goes on`);
    hasComplained = true;
  };
  return {
    complain,
    hurry: () => void (isInHurry = true),
    export: (spans, done) =>
      (isInHurry || isAway ? hurried : patient).export(spans, (result) => {
        isAway = result.code !== ExportResultCode.SUCCESS;
        if (isAway) complain(reasonOf(result.error));
        done(result);
      }),
    shutdown: async () => void (await Promise.all([patient.shutdown(), hurried.shutdown()])),
  };
}

/** Without what the other side says: it may quote what it was sent. */
function reasonOf(error: (Error & { readonly code?: unknown }) | undefined): string {
  const code = error?.code;
  if (typeof code === "number") return `it answers HTTP ${code}`;
  if (error instanceof RefusedAddressError) return error.message;
  return typeof code === "string" ? code : (error?.message ?? "no answer");
}
