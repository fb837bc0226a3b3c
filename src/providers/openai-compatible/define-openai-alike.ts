import type { ProviderConnection, ProviderDefinition } from "../definition.ts";
import { bearerModelList } from "../http/list-models.ts";
import { createBatches } from "./batches.ts";
import { createChatCompletions } from "./chat-completions.ts";
import type { ReasoningTokens } from "./convert-usage.ts";

/** What tells one vendor of chat completions from another. Everything else has a default. */
export interface OpenAiAlike extends Pick<ProviderDefinition, "id" | "title" | "defaultModel"> {
  /** `https://api.example.com/v1` */
  readonly baseUrl: string;
  /** `EXAMPLE_API_KEY`; further names of it are tried in turn. Default: `<ID>_API_KEY`. */
  readonly keyVariables?: readonly string[];
  /** Default: `<ID>_API_KEYS`. */
  readonly keyPoolVariables?: readonly string[];
  /** Default true. */
  readonly needsKey?: boolean;
  /** Default: `<ID>_MODEL`. */
  readonly modelVariable?: string;
  /** Default: `<ID>_BASE_URL`. */
  readonly endpointVariable?: string;
  /** Default: none. */
  readonly organizationVariable?: string;
  /** Default true. */
  readonly limited?: boolean;
  /** Default `["model", "key"]`. */
  readonly limitGroups?: ProviderDefinition["limitGroups"];
  /** Default false. */
  readonly isFree?: boolean;
  /** As in `ProviderDefinition`. Default: nothing is known of its models, and they take everything. */
  readonly models?: unknown;
  /** Default `inside-completion`, as with OpenAI. */
  readonly reasoningTokens?: ReasoningTokens;
  /** Default false. */
  readonly takesClientRequestId?: boolean;
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** It has OpenAI's batch API. Default false. */
  readonly hasBatches?: boolean;
}

/** A provider that speaks OpenAI's chat completions, complete in one file. */
export function defineOpenAiAlike(vendor: OpenAiAlike): ProviderDefinition {
  const { id, baseUrl, headers, reasoningTokens = "inside-completion", takesClientRequestId = false } = vendor;
  const prefix = id.toUpperCase().replaceAll("-", "_");
  return {
    id,
    title: vendor.title,
    keyVariables: vendor.keyVariables ?? [`${prefix}_API_KEY`],
    keyPoolVariables: vendor.keyPoolVariables ?? [`${prefix}_API_KEYS`],
    modelVariable: vendor.modelVariable ?? `${prefix}_MODEL`,
    endpointVariable: vendor.endpointVariable ?? `${prefix}_BASE_URL`,
    organizationVariable: vendor.organizationVariable ?? null,
    needsKey: vendor.needsKey ?? true,
    defaultModel: vendor.defaultModel,
    defaultBaseUrl: baseUrl,
    callPath: "/chat/completions",
    limited: vendor.limited ?? true,
    limitGroups: vendor.limitGroups ?? ["model", "key"],
    isFree: vendor.isFree ?? false,
    models: vendor.models ?? {},
    batch:
      vendor.hasBatches === true
        ? (connection, context) =>
            createBatches(
              {
                ...{ ...connection, id, headers, reasoningTokens, takesClientRequestId },
                family: (model) => context.catalogue.family(id, model),
              },
              context,
            )
        : null,
    modelList: (connection: ProviderConnection) => bearerModelList(connection, headers),
    create: (connection, context) =>
      createChatCompletions(
        {
          ...connection,
          id,
          headers,
          reasoningTokens,
          takesClientRequestId,
          family: (model) => context.catalogue.family(id, model),
        },
        context,
      ),
  };
}
