import type { Anthropic } from "@anthropic-ai/sdk";
import type { ProviderConnection, ProviderContext, ProviderDefinition } from "../definition.ts";
import { createHttpProvider } from "../http/http-provider.ts";
import type { HttpTransport } from "../http/http-transport.ts";
import { readData, type ListedModel } from "../http/list-models.ts";
import { loadedOnce } from "../http/loaded-once.ts";
import type { Provider } from "../provider.ts";
import { ANTHROPIC_ID, API_VERSION, rootOf } from "./api.ts";
import { assembleMessage } from "./assemble-message.ts";
import { createMessageBatches } from "./message-batches.ts";
import { buildRequest, type MessagesBody } from "./build-request.ts";
import models from "./models.json" with { type: "json" };
import { readMessage } from "./read-message.ts";

export const ANTHROPIC: ProviderDefinition = {
  id: ANTHROPIC_ID,
  title: "Anthropic Claude",
  keyVariables: ["ANTHROPIC_API_KEY"],
  keyPoolVariables: ["ANTHROPIC_API_KEYS"],
  modelVariable: "ANTHROPIC_MODEL",
  endpointVariable: "ANTHROPIC_BASE_URL",
  organizationVariable: null,
  needsKey: true,
  // A twentieth of the price of the next one, meant for short, repeated work, and its thinking can be turned off
  // (2026-11-26).
  defaultModel: "claude-haiku-5-5",
  defaultBaseUrl: "https://api.anthropic.com",
  callPath: "/v1/messages",
  limited: true,
  // Anthropic has limits per organization and model: more keys of one organization are not more.
  // https://platform.claude.com/docs/en/api/rate-limits
  limitGroups: ["model"],
  isFree: false,
  models,
  modelList: (connection) => ({
    url: `${rootOf(connection)}/v1/models?limit=1000`,
    headers: { "x-api-key": connection.apiKey ?? "", "anthropic-version": API_VERSION },
    read: (body) => readData(body).flatMap((listed) => [listed, ...aliases(listed)]),
  }),
  batch: createMessageBatches,
  create: createAnthropic,
};

function createAnthropic(connection: ProviderConnection, { catalogue, ...context }: ProviderContext): Provider {
  const client = loadedOnce(() => createClient(connection, context.transport));
  // With each call, which wins over ANTHROPIC_CUSTOM_HEADERS; the package would send the key as `Authorization`.
  const headers = {
    "X-Api-Key": connection.apiKey,
    Authorization: null,
    "Anthropic-Version": API_VERSION,
    "User-Agent": "puppet-engine-generation-worker",
  };
  return createHttpProvider<MessagesBody>(
    {
      id: ANTHROPIC.id,
      sentHeaders: ["x-api-key", "anthropic-version"],
      build: (request) => buildRequest(request, catalogue.family(ANTHROPIC.id, request.model)),
      async send(body, { exchange }) {
        // What the package's types know of fetch options depends on what else is installed.
        const fetchOptions: object = { agent: exchange };
        // Not `messages.create`: it writes about old models to the console, with every call.
        await (await client()).post("/v1/messages", { body, headers, fetchOptions }).asResponse();
      },
      read: readMessage,
      openStream: assembleMessage,
      prepare: client,
    },
    context,
  );
}

/** Everything is given, so that the package takes nothing from the environment and looks for no files of keys. */
async function createClient({ apiKey, baseUrl }: ProviderConnection, { fetch }: HttpTransport): Promise<Anthropic> {
  const { Anthropic } = await import("@anthropic-ai/sdk");
  return new Anthropic({
    apiKey: apiKey ?? "none",
    authToken: null,
    webhookKey: null,
    baseURL: rootOf({ baseUrl }),
    openTelemetry: false,
    logLevel: "off",
    maxRetries: 0,
    fetch,
  });
}

/** The list names snapshots only, `claude-haiku-4-5-20251001`, but `claude-haiku-4-5` is called as well. */
function aliases(listed: ListedModel): ListedModel[] {
  const model = /^(claude-[a-z]+-\d+-\d+)-\d{8}$/.exec(listed.model)?.[1];
  return model === undefined ? [] : [{ ...listed, model }];
}
