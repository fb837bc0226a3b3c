import { describe, expect, it } from "vitest";
import { load, refusal } from "./load-with.ts";

const ENDPOINT = "http://collector:4318";
const DEFAULTS = {
  ...{ protocol: "http/protobuf", url: `${ENDPOINT}/v1/traces`, headers: null, serviceName: null },
  ...{ resourceAttributes: null, sampler: { name: "parentbased_always_on", ratio: 1 }, batch: {} },
};

async function tracingWith(environment: Readonly<Record<string, string>>) {
  const { tracing, notes } = await load({ environment });
  return { tracing, notes };
}

describe("traces are off", () => {
  it.each([
    [{}],
    [{ OTEL_SERVICE_NAME: "posts", OTEL_TRACES_SAMPLER: "no such", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: " " }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: "TRUE" }],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ENDPOINT, OTEL_TRACES_EXPORTER: "none" }],
  ])("and nothing is said, with %o", async (environment) =>
    expect(await tracingWith(environment)).toEqual({ tracing: null, notes: [] }),
  );

  it.each([
    ["OTEL_TRACES_EXPORTER", "zipkin", `"zipkin"; expected otlp or none; no traces are sent`],
    [
      "OTEL_EXPORTER_OTLP_PROTOCOL",
      "grpc",
      `"grpc"; expected http/protobuf or http/json, mostly at port 4318; no traces are sent`,
    ],
    [
      "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
      "grpc",
      `"grpc"; expected http/protobuf or http/json, mostly at port 4318; no traces are sent`,
    ],
    [
      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
      "user:secret@collector",
      `something else; expected http://HOST:PORT or https://HOST:PORT; no traces are sent`,
    ],
  ])("and a note says so: %s=%s", async (name, value, note) =>
    expect(await tracingWith({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, [name]: value })).toEqual({
      ...{ tracing: null, notes: [`environment ${name}: got ${note}`] },
    }),
  );
});

describe("traces are on", () => {
  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }, {}],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${ENDPOINT}/` }, {}],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: "false" }, {}],
    [{ OTEL_TRACES_EXPORTER: "console, otlp" }, { url: "http://localhost:4318/v1/traces" }],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://c/spans", OTEL_EXPORTER_OTLP_ENDPOINT: "no" },
      { url: "https://c/spans" },
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "a=1" }, { headers: "a=1" }],
    [
      {
        ...{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
        ...{ OTEL_SERVICE_NAME: "posts", OTEL_RESOURCE_ATTRIBUTES: "team=press" },
        ...{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" },
        ...{ OTEL_BSP_SCHEDULE_DELAY: "1000", OTEL_BSP_EXPORT_TIMEOUT: "2000" },
        ...{ OTEL_BSP_MAX_QUEUE_SIZE: "4096", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "100" },
      },
      {
        ...{ protocol: "http/json", serviceName: "posts", resourceAttributes: "team=press" },
        sampler: { name: "parentbased_traceidratio", ratio: 0.01 },
        batch: {
          ...{ scheduledDelayMillis: 1000, exportTimeoutMillis: 2000, maxQueueSize: 4096, maxExportBatchSize: 100 },
        },
      },
    ],
  ])("with %o", async (environment, expected) =>
    expect(await tracingWith(environment)).toEqual({ tracing: { ...DEFAULTS, ...expected }, notes: [] }),
  );

  it("and a note says what is not as asked", async () => {
    const environment = {
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_SAMPLER: "xray", OTEL_BSP_MAX_QUEUE_SIZE: "-1" },
    };
    expect(await tracingWith(environment)).toEqual({
      tracing: DEFAULTS,
      notes: [
        expect.stringMatching(/^environment OTEL_TRACES_SAMPLER: got "xray"; expected one of always_on, .* is used$/),
        `environment OTEL_BSP_MAX_QUEUE_SIZE: got "-1"; expected an integer from 1; the default is used`,
      ],
    });
    const ratio = { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "10%" };
    expect(await tracingWith({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, ...ratio })).toEqual({
      tracing: { ...DEFAULTS, sampler: { name: "traceidratio", ratio: 1 } },
      notes: [`environment OTEL_TRACES_SAMPLER_ARG: got "10%"; expected a share, 0–1; 1 is used`],
    });
  });

  it("with what .env says; headers may be in a mounted file", async () => {
    const files = {
      ".env": `OTEL_EXPORTER_OTLP_ENDPOINT=${ENDPOINT}\nOTEL_EXPORTER_OTLP_HEADERS_FILE=headers`,
      headers: "authorization=Bearer%20secret\n",
    };
    expect((await load({ files })).tracing).toEqual({ ...DEFAULTS, headers: "authorization=Bearer%20secret" });
    expect(await refusal({ files: { ...files, headers: "" } })).toEqual([
      expect.stringMatching(/^environment OTEL_EXPORTER_OTLP_HEADERS_FILE: got a file with nothing in it; expected /),
    ]);
  });
});
