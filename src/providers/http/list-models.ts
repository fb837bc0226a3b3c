import { request } from "undici";
import { RefusedAddressError } from "../../platform/checked-lookup.ts";
import { ProviderError } from "../provider-error.ts";
import type { ProviderId } from "../provider.ts";
import { classifyError } from "./classify-error.ts";
import { isRecord } from "../../platform/field-fault.ts";
import { createHttpTransport, type HttpTransportOptions } from "./http-transport.ts";
import { parseJson } from "./json.ts";
import { MOST_ANSWER_BYTES, readCapped } from "./read-capped.ts";
import { redact } from "./redact.ts";

/** Where a vendor's free list of models is, and how to read it. */
export interface ModelList extends Pick<HttpTransportOptions, "trustedHosts" | "resolve"> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly read: (body: unknown) => ListedModel[];
  /** The list is free and small; a vendor that needs longer is as good as away. Default 10,000. */
  readonly patienceMs?: number;
}

export interface ListedModel {
  readonly model: string;
  /** UTC day on which the vendor shuts it down; `null`: it does not say. */
  readonly retiresOn: string | null;
}

const PATIENCE_MS = 10_000;

/**
 * The models that a key may use.
 * @throws ProviderError
 */
export async function listModels(id: ProviderId, list: ModelList): Promise<ListedModel[]> {
  const { dispatcher } = createHttpTransport(list);
  const patienceMs = list.patienceMs ?? PATIENCE_MS;
  const signal = AbortSignal.timeout(patienceMs);
  try {
    const answer = await request(list.url, { headers: list.headers, signal, dispatcher });
    const text = await readCapped(answer.body);
    if (text === null) {
      const message = `HTTP ${answer.statusCode}: more than ${MOST_ANSWER_BYTES / 1024 / 1024} MiB in place of a list of models`;
      throw new ProviderError(message, { kind: "invalid-response", provider: id, sent: "yes" });
    }
    const body = parseJson(text);
    if (answer.statusCode === 200) return list.read(body);
    const facts = { status: answer.statusCode, headers: textHeaders(answer.headers), body, now: Date.now() };
    const { kind, message } = classifyError(facts);
    throw new ProviderError(redact(`HTTP ${answer.statusCode}: ${message}`, []), {
      kind,
      provider: id,
      sent: "yes",
    });
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    if (error instanceof RefusedAddressError) {
      throw new ProviderError(error.message, { kind: "refused-address", provider: id, sent: "no" });
    }
    if (signal.aborted) {
      const message = `no answer within ${patienceMs / 1000} s`;
      throw new ProviderError(message, { kind: "network", provider: id, sent: "unknown" });
    }
    const code = error instanceof Error && "code" in error ? String(error.code) : "no answer";
    throw new ProviderError(`no connection (${code})`, { kind: "network", provider: id, sent: "no" });
  } finally {
    await dispatcher.destroy();
  }
}

/** `GET /models` as OpenAI has it, and everybody who follows it. */
export function bearerModelList(
  { baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey: string | null },
  headers: Readonly<Record<string, string>> = {},
): ModelList {
  const authorization = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  return { url: `${baseUrl}/models`, headers: { ...headers, ...authorization }, read: readData };
}

/** `{data: [{id, shutdown_date}]}` */
export function readData(body: unknown): ListedModel[] {
  const data = isRecord(body) ? body["data"] : null;
  if (!Array.isArray(data)) return [];
  return data.filter(isRecord).flatMap(({ id, shutdown_date: until }): ListedModel[] => {
    if (typeof id !== "string") return [];
    return [{ model: id, retiresOn: dayOf(until) }];
  });
}

/** The last day that is written with a year of four digits. */
const MOST_AT = Date.UTC(9999, 11, 31);

/** Epoch seconds, or a date as text; `null` also for what is no day. */
function dayOf(until: unknown): string | null {
  const at = typeof until === "number" ? until * 1000 : typeof until === "string" ? Date.parse(until) : Number.NaN;
  return Math.abs(at) <= MOST_AT ? new Date(at).toISOString().slice(0, 10) : null;
}

function textHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]),
  );
}
