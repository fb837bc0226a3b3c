import { Agent, request } from "undici";
import { ProviderError } from "../provider-error.ts";
import type { ProviderId } from "../provider.ts";
import { classifyError } from "./classify-error.ts";
import { parseJson } from "./read-completion.ts";
import { redact } from "./redact.ts";

export interface ModelListVendor {
  readonly id: ProviderId;
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

/** The list is free and small; a vendor that needs longer is as good as away. */
const PATIENCE_MS = 10_000;

/**
 * The models that a key may use, from the vendor's free list `GET /models`.
 * @throws ProviderError
 */
export async function listModels({ id, baseUrl, apiKey }: ModelListVendor): Promise<string[]> {
  const connections = new Agent();
  try {
    const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await request(`${baseUrl}/models`, { headers, signal, dispatcher: connections });
    const body = parseJson(await answer.body.text());
    if (answer.statusCode === 200) return modelIds(body);
    const facts = { status: answer.statusCode, headers: textHeaders(answer.headers), body, now: Date.now() };
    const { kind, message } = classifyError(facts);
    throw new ProviderError(redact(`HTTP ${answer.statusCode}: ${message}`, apiKey, []), {
      kind,
      provider: id,
      sent: "yes",
    });
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "no answer";
    throw new ProviderError(`no connection (${code})`, { kind: "network", provider: id, sent: "no" });
  } finally {
    await connections.close();
  }
}

function modelIds(body: unknown): string[] {
  const list = (body as { data?: unknown } | null)?.data;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const id = (entry as { id?: unknown } | null)?.id;
    return typeof id === "string" ? [id] : [];
  });
}

function textHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]),
  );
}
