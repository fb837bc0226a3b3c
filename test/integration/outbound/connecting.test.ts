import type { LookupAddress } from "node:dns";
import { ExportResultCode } from "@opentelemetry/core";
import { describe, expect, it } from "vitest";
import { alertMessage, createWebhook } from "../../../src/alerts/webhook.ts";
import { refuseOwnNetwork, type Resolve } from "../../../src/platform/checked-lookup.ts";
import { createBatchHttp } from "../../../src/providers/http/batch-http.ts";
import { createHttpTransport } from "../../../src/providers/http/http-transport.ts";
import { bearerModelList, listModels } from "../../../src/providers/http/list-models.ts";
import { createProviders } from "../../../src/providers/registry.ts";
import { createOtlpExporter } from "../../../src/telemetry/otlp-exporter.ts";
import { generateRequest } from "../../support/generate-request.ts";
import { startRecordedServer, type RecordedServer } from "../../support/recorded-server.ts";

const HOST = "vendor.example";
const never = new AbortController().signal;

/** A name service that says what it is told, one answer after the other; the last one stays. */
function answering(...answers: readonly (readonly string[])[]): Resolve & { readonly asked: () => number } {
  let asked = 0;
  const resolve = async (): Promise<LookupAddress[]> => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    return await Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
  };
  return Object.assign(resolve, { asked: () => asked });
}

interface Door {
  readonly url: (host: string) => string;
  readonly trustedHosts?: readonly string[];
  readonly resolve: Resolve;
}

/** Everything that connects to where the operator says. Returns what went wrong; `null`: nothing. */
const DOORS: Readonly<Record<string, (door: Door) => Promise<unknown>>> = {
  async "a call"({ url, ...transport }) {
    const providers = createProviders({ openai: { apiKeys: ["key-0123456789"], baseUrl: url(HOST) } }, { transport });
    const provider = providers.get("openai")?.targets("gpt-6-luna")[0]?.provider;
    const outcome = await provider?.generate(generateRequest(), never).then(
      () => null,
      (error: unknown) => error,
    );
    await providers.close();
    return outcome;
  },
  async "a streamed call"({ url, ...transport }) {
    const providers = createProviders({ grok: { apiKeys: ["key-0123456789"], baseUrl: url(HOST) } }, { transport });
    const provider = providers.get("grok")?.targets("grok-4.3")[0]?.provider;
    const outcome = await provider?.generate(generateRequest({ parameters: { stream: true } }), never).then(
      () => null,
      (error: unknown) => error,
    );
    await providers.close();
    return outcome;
  },
  async "the list of models"({ url, ...rules }) {
    const list = { ...bearerModelList({ baseUrl: url(HOST), apiKey: "key-0123456789" }), ...rules };
    return await listModels("ours", list).then(
      () => null,
      (error: unknown) => error,
    );
  },
  async "a batch"({ url, ...rules }) {
    const { dispatcher } = createHttpTransport(rules);
    const facts = { id: "openai", headers: {}, now: Date.now, dispatcher, baseUrl: url(HOST) };
    const outcome = await createBatchHttp(facts)
      .get("/batches", never)
      .then(
        () => null,
        (error: unknown) => error,
      );
    await dispatcher.destroy();
    return outcome;
  },
  async "the alerts' webhook"({ url, ...rules }) {
    await using webhook = createWebhook({ url: url(HOST), secret: null, ...rules });
    const sent = await webhook.send(MESSAGE, never);
    return sent.ok ? null : { message: sent.problem };
  },
};

const MESSAGE = alertMessage({
  ...({ id: "a1.1", alertId: "a1", kind: "test", subject: "test", severity: "warning", state: "firing" } as const),
  ...{ message: "a test", namespace: "puppet", details: {}, sinceAt: "", sentAt: "" },
});

function portOf(server: RecordedServer): (host: string) => string {
  const { port } = new URL(server.baseUrl);
  return (host) => `http://${host}:${port}/v1`;
}

describe.each(Object.entries(DOORS))("%s", (_, open) => {
  it.each([
    [["127.0.0.1"], "127.0.0.1"],
    [["169.254.169.254"], "169.254.169.254"],
    [["::1"], "::1"],
    [["::ffff:127.0.0.1"], "::ffff:127.0.0.1"],
    [["fd00:ec2::254"], "fd00:ec2::254"],
    [["0.0.0.0"], "0.0.0.0"],
    // One of them is enough: the next try might take that.
    [["1.1.1.1", "10.0.0.7"], "10.0.0.7"],
  ])("goes to nobody when the name leads to %s", async (addresses, refused) => {
    await using server = await startRecordedServer();
    const failure = await open({ url: portOf(server), resolve: answering(addresses) });
    expect(failure).toMatchObject({
      message: `${HOST} is at ${refused}, which is no public address; if it is right, name ${HOST} in trustedEndpointHosts of the configuration file`,
    });
    expect(server.calls).toHaveLength(0);
  });

  it("goes to whom the operator trusts, at the address that was looked at: the name is not looked up again", async () => {
    await using server = await startRecordedServer({ response: { status: 200, headers: {}, body: { data: [] } } });
    const resolve = answering(["127.0.0.1"], ["169.254.169.254"]);
    await open({ url: portOf(server), trustedHosts: ["Vendor.Example."], resolve });
    expect(server.calls).toHaveLength(1);
    expect(resolve.asked()).toBe(1);
  });
});

const REFUSED = { kind: "refused-address", sent: "no", status: null };

it.each(["a call", "a streamed call", "the list of models", "a batch"])(
  "%s that is refused is of a kind of its own",
  async (name) => {
    const failure = await DOORS[name]?.({ url: () => `http://${HOST}:1/v1`, resolve: answering(["10.0.0.7"]) });
    expect(failure).toMatchObject(REFUSED);
  },
);

it.each(["10.0.0.7", "[::ffff:a9fe:a9fe]", "169.254.169.254"])(
  "%s in the URL itself is refused as well",
  async (host) => {
    const resolve = answering(["127.0.0.1"]);
    const failure = await DOORS["a call"]?.({ url: () => `http://${host}:1/v1`, resolve });
    expect(failure).toMatchObject(REFUSED);
    expect(resolve.asked()).toBe(0);
  },
);

it("localhost is this machine, whatever else it is said to be", async () => {
  await using server = await startRecordedServer();
  const url = (): string => portOf(server)("localhost");
  expect(await DOORS["a call"]?.({ url, resolve: answering(["127.0.0.1"]) })).toBe(null);
  expect(server.calls).toHaveLength(1);
  expect(await DOORS["a call"]?.({ url, resolve: answering(["169.254.169.254"]) })).toMatchObject({
    ...REFUSED,
    message: expect.stringMatching(/^localhost is at 169\.254\.169\.254, which is not this machine;/) as string,
  });
});

it("a name that leads somewhere else later is looked at again with every new connection", async () => {
  // A transport that trusts nobody: the first answer is one that it may go to.
  await using server = await startRecordedServer((_, response) => {
    response.writeHead(200, { connection: "close" }).end("{}");
  });
  const transport = createHttpTransport({ resolve: answering(["127.0.0.1"], ["127.0.0.1"], ["10.0.0.7"]) });
  const url = portOf(server)("rebound.localhost");
  const outcomes: unknown[] = [];
  for (let call = 0; call < 3; call++) {
    const exchange = transport.open({ signal: never, timeoutMs: 10_000 });
    await exchange.send(url, new Headers(), "{}").catch(() => undefined);
    outcomes.push(exchange.outcome);
  }
  await transport.close();
  expect(outcomes).toMatchObject([
    { answer: { status: 200 } },
    { answer: { status: 200 } },
    { failure: { reason: "refused-address", sent: false, code: "ERR_REFUSED_ADDRESS" } },
  ]);
  expect(server.calls).toHaveLength(2);
});

it("what the name service says is what is told when it knows no such name", async () => {
  const resolve = async (): Promise<never> =>
    await Promise.reject(Object.assign(new Error("getaddrinfo ENOTFOUND vendor.example"), { code: "ENOTFOUND" }));
  const failure = await DOORS["a call"]?.({ url: () => `http://${HOST}:1/v1`, resolve });
  expect(failure).toMatchObject({ kind: "network", sent: "no", message: "no connection (ENOTFOUND)" });
});

it("by default nobody is trusted, and the system is asked", () => {
  expect(refuseOwnNetwork()("vendor.example", "10.0.0.1")).toMatch(/^vendor\.example is at 10\.0\.0\.1/);
  expect(refuseOwnNetwork()("vendor.example", "1.1.1.1")).toBe(null);
});

describe("traces", () => {
  async function exported(server: RecordedServer, resolve: Resolve): Promise<{ code: number; warnings: string[] }> {
    const warnings: string[] = [];
    const rest = { headers: null, serviceName: null, resourceAttributes: null, batch: {} };
    const sampler = { name: "always_on", ratio: 1 } as const;
    const config = { protocol: "http/json", url: `${portOf(server)("collector")}/traces`, sampler, ...rest } as const;
    const exporter = await createOtlpExporter(config, (warning) => warnings.push(warning), resolve);
    const { code } = await new Promise<{ code: number }>((done) => exporter.export([], done));
    await exporter.shutdown();
    return { code, warnings };
  }

  it("go to collectors in a private network", async () => {
    await using server = await startRecordedServer({ response: { status: 200, headers: {}, bodyText: "{}" } });
    expect(await exported(server, answering(["127.0.0.1"]))).toEqual({ code: ExportResultCode.SUCCESS, warnings: [] });
    expect(server.calls).toHaveLength(1);
  });

  it("but not to where no server of anybody's can be", async () => {
    await using server = await startRecordedServer();
    const { code, warnings } = await exported(server, answering(["169.254.169.254"]));
    expect(code).toBe(ExportResultCode.FAILED);
    expect(warnings).toEqual([expect.stringContaining("collector is at 169.254.169.254, where no server can be")]);
    expect(server.calls).toHaveLength(0);
  });
});
