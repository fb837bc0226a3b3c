import { inspect } from "node:util";
import { expect, it, type TestContext } from "vitest";
import { ProviderError } from "../../src/providers/provider-error.ts";
import type { GenerateRequest, Provider, ProviderId } from "../../src/providers/provider.ts";
import { createProviders, type ProviderRegistry } from "../../src/providers/registry.ts";
import { generateRequest } from "../support/generate-request.ts";
import { hang } from "../support/misbehaving-answers.ts";
import { startRecordedServer, type Answer, type RecordedServer } from "../support/recorded-server.ts";
import type { Wire } from "./wire.ts";

/** One provider under the suite that all of them have to pass. */
export interface ProviderSubject {
  readonly id: ProviderId;
  readonly model: string;
  /** Default: as it is registered. Providers without a network ignore the argument. */
  start?(connection: Connection): ProviderRegistry;
  /** Never answers within a test; for providers without a network. */
  startSlow?(): ProviderRegistry;
  /** Or why the checks with a server are skipped. */
  readonly wire: Wire | { readonly skip: string };
}

export interface Connection {
  readonly baseUrl: string;
  readonly apiKey: string;
}

export function registryOf(subject: ProviderSubject, connection: Connection): ProviderRegistry {
  const { baseUrl, apiKey } = connection;
  return subject.start?.(connection) ?? createProviders({ [subject.id]: { baseUrl, apiKeys: [apiKey] } });
}

/** Looks like no key at all, so that only knowing it can keep it out of an error. */
export const KEY = "canary4711";

export const never = new AbortController().signal;

export interface Started extends AsyncDisposable {
  readonly server: RecordedServer;
  readonly provider: Provider;
  readonly wire: Wire;
  /** Makes a call that has to fail, and checks that the error is the only kind allowed and tells no secret. */
  failure(changes?: Partial<GenerateRequest>, signal?: AbortSignal): Promise<ProviderError>;
}

export function wireOf({ id, wire }: ProviderSubject): Wire {
  if ("skip" in wire) throw new Error(`${id} has no network`);
  return wire;
}

/** @param answersOf of the server, in this order; default: a plain answer */
export async function start(subject: ProviderSubject, answersOf?: (wire: Wire) => Answer[]): Promise<Started> {
  if ("skip" in subject.wire) {
    return started(subject, await startRecordedServer(), registryOf(subject, { baseUrl: "", apiKey: KEY }));
  }
  const server = await startRecordedServer(...(answersOf?.(subject.wire) ?? [subject.wire.whole()]));
  const baseUrl = subject.wire.baseUrl(new URL(server.baseUrl).origin);
  return started(subject, server, registryOf(subject, { baseUrl, apiKey: KEY }));
}

export function started(subject: ProviderSubject, server: RecordedServer, registry: ProviderRegistry): Started {
  const provider = providerOf(subject, registry);
  return {
    server,
    provider,
    get wire() {
      return wireOf(subject);
    },
    failure: async (changes = {}, signal = never) => {
      const error: unknown = await provider
        .generate(generateRequest({ model: subject.model, ...changes }), signal)
        .then(
          () => "an answer",
          (reason: unknown) => reason,
        );
      expect(error).toBeInstanceOf(ProviderError);
      const failure = error as ProviderError;
      expect(failure.provider).toBe(subject.id);
      expect(inspect(failure, { depth: null, showHidden: true }) + failure.stack).not.toContain(KEY);
      return failure;
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await registry.close();
    },
  };
}

function providerOf(subject: ProviderSubject, registry: ProviderRegistry): Provider {
  const target = registry.get(subject.id)?.targets(subject.model)[0];
  if (target === undefined) throw new Error(`${subject.id} is not registered`);
  return target.provider;
}

/** A provider whose answer never comes. */
export async function startHanging(subject: ProviderSubject): Promise<Started> {
  if (subject.startSlow === undefined) return await start(subject, () => [hang]);
  return started(subject, await startRecordedServer(), subject.startSlow());
}

/** `it`, or a skip with its reason for providers without a network. */
export function skipping({ wire }: ProviderSubject): typeof it {
  if (!("skip" in wire)) return it;
  const skip = (name: string): unknown => it(name, (context: TestContext) => context.skip(wire.skip));
  return skip as unknown as typeof it;
}
