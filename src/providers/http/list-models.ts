import { Agent, request } from "undici";
import { ProviderError } from "../provider-error.ts";
import type { ProviderId } from "../provider.ts";
import { classifyError } from "./classify-error.ts";
import { isRecord, parseJson } from "./json.ts";
import { redact } from "./redact.ts";

/** Where a vendor's free list of models is, and how to read it. */
export interface ModelList {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly read: (body: unknown) => ListedModel[];
}

export interface ListedModel {
  readonly model: string;
  /** UTC day on which the vendor shuts it down; `null`: it does not say. */
  readonly retiresOn: string | null;
}

/** The list is free and small; a vendor that needs longer is as good as away. */
const PATIENCE_MS = 10_000;

/**
 * The models that a key may use.
 * @throws ProviderError
 */
export async function listModels(id: ProviderId, apiKey: string | null, list: ModelList): Promise<ListedModel[]> {
  const connections = new Agent();
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await request(list.url, { headers: list.headers, signal, dispatcher: connections });
    const body = parseJson(await answer.body.text());
    if (answer.statusCode === 200) return list.read(body);
    const facts = { status: answer.statusCode, headers: textHeaders(answer.headers), body, now: Date.now() };
    const { kind, message } = classifyError(facts);
    throw new ProviderError(
      redact(`HTTP ${answer.statusCode}: ${message}`, [apiKey ?? "", ...Object.values(list.headers)], []),
      {
        kind,
        provider: id,
        sent: "yes",
      },
    );
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "no answer";
    throw new ProviderError(`no connection (${code})`, { kind: "network", provider: id, sent: "no" });
  } finally {
    await connections.close();
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

/** Epoch seconds, or a date as text. */
function dayOf(until: unknown): string | null {
  const at = typeof until === "number" ? until * 1000 : typeof until === "string" ? Date.parse(until) : Number.NaN;
  return Number.isFinite(at) ? new Date(at).toISOString().slice(0, 10) : null;
}

function textHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]),
  );
}
