import type { ModelCatalogue } from "../models/model-catalogue.ts";
import type { RetiredModels } from "../models/retirement.ts";
import type { ProviderId, SamplingParameters } from "../providers/provider.ts";
import type { AgentFile, LlmConfigFile } from "./agent-schema.ts";
import type { Agent, ChainMember, PromptSource } from "./agent.ts";
import { buildSystemPrompt } from "./system-prompt.ts";

export interface CompileOptions {
  /** The model of an agent that names none. */
  readonly defaultModel: (provider: ProviderId) => string;
  readonly knownProviders: readonly ProviderId[];
  /** What is known of models. */
  readonly catalogue: Pick<ModelCatalogue, "entry" | "family">;
  readonly retiredModels: RetiredModels;
  /** Epoch ms: decides which models are retired. */
  readonly now: number;
}

/** Of an agent that names none. */
export const DEFAULT_PROVIDER: ProviderId = "openai";

/** What a fall-back takes over from the member before it, unless its own settings say otherwise. */
interface Inherited {
  readonly maxTokens: number;
  readonly timeoutMs: number;
  readonly stream: boolean;
}

const DEFAULTS: Inherited = { maxTokens: 280, timeoutMs: 30_000, stream: false };

/**
 * Fills in the defaults of a checked agent file and resolves its chain and the source of its prompt. Its models are those
 * that the file names: see `retireModels`.
 */
export function compileAgent(file: AgentFile, options: CompileOptions): Agent {
  return {
    id: file.id,
    name: file.name,
    chain: compileChain(file, options),
    prompt: choosePrompt(file),
    ...(file.handle === undefined ? {} : { handle: file.handle.replace("@", "") }),
    ...(file.post_length_limit === undefined ? {} : { lengthLimit: file.post_length_limit }),
    ...(file.variety === undefined ? {} : { variety: file.variety }),
    ...compileCache(file.cache),
  };
}

function compileCache(cache: AgentFile["cache"]): Pick<Agent, "cache"> {
  if (cache === undefined || cache === false) return {};
  const { kinds = ["content"], ttl_seconds: ttl, serve_stale_seconds: stale } = cache === true ? {} : cache;
  return {
    cache: {
      kinds,
      ...(ttl === undefined ? {} : { ttlMs: ttl * 1000 }),
      ...(stale === undefined ? {} : { staleMs: stale * 1000 }),
    },
  };
}

function compileChain(file: AgentFile, options: CompileOptions): Agent["chain"] {
  let config = file.llm_config ?? {};
  let member = compileMember({ provider: file.llm_provider ?? DEFAULT_PROVIDER, config }, DEFAULTS, options);
  const chain: [ChainMember, ...ChainMember[]] = [member];
  while (config.fallback_provider !== undefined) {
    const provider = config.fallback_provider;
    config = config.fallback_config ?? {};
    const { maxTokens, stream } = member.parameters;
    const inherited = { maxTokens, stream, timeoutMs: member.timeoutMs };
    member = compileMember({ provider, config }, inherited, options);
    chain.push(member);
  }
  return chain;
}

interface Settings {
  readonly provider: ProviderId;
  readonly config: LlmConfigFile;
}

function compileMember({ provider, config }: Settings, inherited: Inherited, options: CompileOptions): ChainMember {
  return {
    provider,
    model: config.model ?? options.defaultModel(provider),
    parameters: compileParameters(config, inherited),
    timeoutMs: config.timeout === undefined ? inherited.timeoutMs : Math.round(config.timeout * 1000),
    options: provider === "fake" ? fakeOptions(config) : {},
  };
}

function compileParameters(config: LlmConfigFile, { maxTokens, stream }: Inherited): SamplingParameters {
  return {
    temperature: config.temperature ?? 0.7,
    maxTokens: config.max_tokens ?? maxTokens,
    topP: config.top_p ?? 0.9,
    frequencyPenalty: config.frequency_penalty ?? 0,
    presencePenalty: config.presence_penalty ?? 0,
    ...(config.logit_bias === undefined ? {} : { logitBias: config.logit_bias }),
    ...(config.user === undefined ? {} : { user: config.user }),
    stream: config.stream ?? stream,
  };
}

/** What the file leaves open is the fake provider's to decide: it has defaults of its own. */
function fakeOptions(config: LlmConfigFile): ChainMember["options"] {
  return {
    ...(config.response_style === undefined ? {} : { responseStyle: config.response_style }),
    ...(config.include_prompt === undefined ? {} : { includePrompt: config.include_prompt }),
  };
}

/** An empty list of rotating prompts counts as none: the original system's files have it. */
function choosePrompt(file: AgentFile): PromptSource {
  const own = file.llm_config?.system_prompt;
  if (own !== undefined) return { from: "llm_config", text: own };
  const [first, ...others] = file.rotating_system_prompts ?? [];
  if (first !== undefined) return { from: "rotating", texts: [first, ...others] };
  if (file.custom_system_prompt !== undefined) return { from: "custom", text: file.custom_system_prompt };
  return { from: "personality", text: buildSystemPrompt(file) };
}
