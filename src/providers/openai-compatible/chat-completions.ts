import type { OpenAI } from "openai";
import type { ModelFamily } from "../../models/models-file.ts";
import { createHttpProvider, type HttpContext } from "../http/http-provider.ts";
import type { HttpTransport } from "../http/http-transport.ts";
import { loadedOnce } from "../http/loaded-once.ts";
import type { Provider, ProviderId } from "../provider.ts";
import { assembleCompletion } from "./assemble-completion.ts";
import { buildRequest, type ChatCompletionsBody } from "./build-request.ts";
import type { ReasoningTokens } from "./convert-usage.ts";
import { readCompletion } from "./read-completion.ts";

/** All that differs between vendors that speak chat completions. */
export interface ChatCompletionsVendor {
  readonly id: ProviderId;
  /** Without `/chat/completions` and without a trailing slash. */
  readonly baseUrl: string;
  /** `null`: the server wants none. */
  readonly apiKey: string | null;
  readonly organization?: string | undefined;
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly reasoningTokens: ReasoningTokens;
  readonly family: (model: string) => ModelFamily;
  /** The vendor keeps `x-client-request-id` in its log, so the attempt id is sent in it. */
  readonly takesClientRequestId: boolean;
}

/** A provider on the openai package: it builds and sends the request, the answer is read here. */
export function createChatCompletions(vendor: ChatCompletionsVendor, context: HttpContext): Provider {
  const client = loadedOnce(() => createClient(vendor, context.transport));
  return createHttpProvider<ChatCompletionsBody>(
    {
      id: vendor.id,
      sentHeaders: Object.keys(vendor.headers ?? {}).map((name) => name.toLowerCase()),
      build: (request) => buildRequest(request, vendor.family(request.model)),
      async send(body, { exchange, request }) {
        const headers = vendor.takesClientRequestId ? { "X-Client-Request-Id": request.attemptId } : {};
        const { chat } = await client();
        await chat.completions.create(body, { headers, fetchOptions: { agent: exchange } }).asResponse();
      },
      read: (body) => readCompletion(body, vendor.reasoningTokens),
      openStream: assembleCompletion,
      prepare: client,
    },
    context,
  );
}

/** Everything is given, so that the SDK takes nothing from the environment. */
async function createClient(vendor: ChatCompletionsVendor, transport: HttpTransport): Promise<OpenAI> {
  const { apiKey, baseUrl, organization, headers } = vendor;
  const { OpenAI } = await import("openai");
  return new OpenAI({
    apiKey: apiKey ?? "none",
    adminAPIKey: null,
    baseURL: baseUrl,
    organization: organization ?? null,
    project: null,
    webhookSecret: null,
    // OPENAI_CUSTOM_HEADERS is read all the same; these win over it, and the transport sends no others.
    defaultHeaders: {
      ...headers,
      Authorization: apiKey === null ? null : `Bearer ${apiKey}`,
      "OpenAI-Organization": organization ?? null,
      "User-Agent": "puppet-engine-generation-worker",
    },
    logLevel: "off",
    maxRetries: 0,
    fetch: transport.fetch,
  });
}
