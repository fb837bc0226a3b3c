import type { GoogleGenAI } from "@google/genai/web";
import type { ProviderConnection, ProviderContext, ProviderDefinition } from "../definition.ts";
import { createHttpProvider } from "../http/http-provider.ts";
import { isRecord } from "../../platform/field-fault.ts";
import type { ListedModel } from "../http/list-models.ts";
import { loadedOnce } from "../http/loaded-once.ts";
import type { Provider } from "../provider.ts";
import { assembleContent } from "./assemble-content.ts";
import { buildRequest, type GeminiCall } from "./build-request.ts";
import models from "./models.json" with { type: "json" };
import { readContent } from "./read-content.ts";

export const GEMINI: ProviderDefinition = {
  id: "gemini",
  title: "Google Gemini",
  keyVariables: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
  keyPoolVariables: ["GEMINI_API_KEYS"],
  modelVariable: "GEMINI_MODEL",
  endpointVariable: "GEMINI_BASE_URL",
  organizationVariable: null,
  needsKey: true,
  // The cheapest current model, meant for short, repeated work: it takes temperature and top_p, which later ones ignore,
  // and hardly thinks. gemini-3.8-flash costs three times as much and thinks more before every text (2026-11-26).
  defaultModel: "gemini-3.1-flash-lite",
  defaultBaseUrl: "https://generativelanguage.googleapis.com/v1beta",
  callPath: "",
  limited: true,
  // Google has limits per project and model: more keys of one project are not more.
  // https://ai.google.dev/gemini-api/docs/rate-limits
  limitGroups: ["model"],
  isFree: false,
  models,
  batch: null,
  modelList: (connection) => ({
    url: `${rootOf(connection)}/models?pageSize=1000`,
    headers: { "x-goog-api-key": connection.apiKey ?? "" },
    read: readModels,
  }),
  create: createGemini,
};

function createGemini(connection: ProviderConnection, { catalogue, ...context }: ProviderContext): Provider {
  const client = loadedOnce(() => createClient(connection));
  return createHttpProvider<GeminiCall>(
    {
      id: GEMINI.id,
      sentHeaders: ["x-goog-api-key"],
      build: (request) => buildRequest(request, catalogue.family(GEMINI.id, request.model)),
      async send({ parameters, isStream }, { exchange }) {
        // By default the package goes on calling until an answer is complete.
        const config = { ...parameters.config, automaticContinuation: false, httpOptions: { fetch: exchange.fetch } };
        const call = { ...parameters, config };
        const api = (await client()).models;
        await (isStream ? api.generateContentStream(call) : api.generateContent(call));
      },
      read: readContent,
      openStream: assembleContent,
      prepare: client,
    },
    context,
  );
}

/**
 * The package's build for browsers: that for Node reads a dozen environment variables, writes about them to the console,
 * and loads an OAuth client and a WebSocket, in twice the time.
 */
async function createClient(connection: ProviderConnection): Promise<GoogleGenAI> {
  const { GoogleGenAI } = await import("@google/genai/web");
  return new GoogleGenAI({
    apiKey: connection.apiKey ?? "none",
    vertexai: false,
    httpOptions: {
      baseUrl: rootOf(connection),
      // It stands in the base URL.
      apiVersion: "",
      headers: { "User-Agent": "puppet-engine-generation-worker" },
    },
  });
}

/** With the version, which people may leave out, as Google's own packages do. */
function rootOf({ baseUrl }: Pick<ProviderConnection, "baseUrl">): string {
  return /\/v\d\w*$/.test(baseUrl) ? baseUrl : `${baseUrl}/v1beta`;
}

/** `{models: [{name: "models/…", supportedGenerationMethods}]}`, those for embeddings and pictures among them. */
function readModels(body: unknown): ListedModel[] {
  const listed = isRecord(body) ? body["models"] : null;
  if (!Array.isArray(listed)) return [];
  return listed.filter(isRecord).flatMap(({ name, supportedGenerationMethods: methods }): ListedModel[] => {
    const isForText = !Array.isArray(methods) || methods.includes("generateContent");
    return typeof name === "string" && isForText ? [{ model: name.replace(/^models\//, ""), retiresOn: null }] : [];
  });
}
