import type { Agent } from "../agents/agent.ts";
import { buildMessages } from "../agents/build-prompt.ts";
import { inputBytesOf } from "../generation/input-bytes.ts";
import { createTokenEstimator } from "../generation/token-estimator.ts";
import { parseJobInput, payloadOf, type JobInput } from "../job/generation-job.ts";
import type { ModelCatalogue } from "../models/model-catalogue.ts";
import type { Prices } from "../models/prices.ts";

/** What a run would take of one model. */
export interface PlannedModel {
  readonly provider: string;
  readonly model: string;
  rows: number;
  /** About. */
  inputTokens: number;
  /** At most. */
  outputTokens: number;
  /** At most, when every call succeeds at once; `null`: the price is not known. */
  costMicroUsd: number | null;
}

export interface PlanParts {
  readonly agents: ReadonlyMap<string, Agent>;
  readonly defaultAgent: Agent;
  readonly prices: Pick<Prices, "priceOf">;
  readonly catalogue: Pick<ModelCatalogue, "capTokens">;
}

/** Adds up what rows would take of the first member of their chain. */
export class RunPlan {
  readonly #models = new Map<string, PlannedModel>();
  readonly #parts: PlanParts;
  readonly #estimator = createTokenEstimator();

  constructor(parts: PlanParts) {
    this.#parts = parts;
  }

  add(job: JobInput): void {
    const { agents, defaultAgent, prices, catalogue } = this.#parts;
    const agent = job.agent === undefined ? defaultAgent : agents.get(job.agent);
    if (agent === undefined) return;
    const payload = payloadOf(parseJobInput(job));
    const [{ provider, model, parameters }] = agent.chain;
    const posts = payload.kind === "thread" ? payload.posts : 1;
    const inputBytes = inputBytesOf(buildMessages(agent, payload, 0));
    const capTokens = catalogue.capTokens({ provider, model, maxTokens: parameters.maxTokens * posts, factor: 1 });
    const size = { agentId: agent.id, kind: payload.kind, provider, model, inputBytes, capTokens };
    const { inputTokens, outputTokens } = this.#estimator.estimate(size);
    const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: true, raw: null };
    const cost = prices.priceOf({ provider, model, usage, reportedCostMicroUsd: null });
    const planned = this.#of(provider, model);
    planned.rows++;
    planned.inputTokens += inputTokens;
    planned.outputTokens += outputTokens;
    planned.costMicroUsd = planned.costMicroUsd === null || cost === null ? null : planned.costMicroUsd + cost;
  }

  /** Most rows first. */
  models(): readonly Readonly<PlannedModel>[] {
    return [...this.#models.values()].sort((a, b) => b.rows - a.rows);
  }

  #of(provider: string, model: string): PlannedModel {
    const key = `${provider}/${model}`;
    const planned = this.#models.get(key) ?? {
      ...{ provider, model, rows: 0, inputTokens: 0, outputTokens: 0, costMicroUsd: 0 },
    };
    this.#models.set(key, planned);
    return planned;
  }
}

const DAY_MS = 24 * 3600_000;

/** A vendor's limits, as the configuration file has them. */
export interface PlannedLimit {
  readonly provider: string;
  readonly model: string | null;
  readonly requestsPerSecond?: number | undefined;
  readonly requestsPerMinute?: number | undefined;
  readonly requestsPerDay?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly inputTokensPerMinute?: number | undefined;
  readonly outputTokensPerMinute?: number | undefined;
  readonly burstSeconds: number;
}

/**
 * How long the limits take at best: what is beyond the first burst, at the rate that they allow. Latency comes on top.
 * @param keys how many keys there are that the vendor limits apart
 * @returns ms; `null`: no limit is configured
 */
export function leastDurationMs(
  planned: Readonly<PlannedModel>,
  limits: readonly PlannedLimit[],
  keys: number,
): number | null {
  const { provider, model, rows, inputTokens, outputTokens } = planned;
  const ofProvider = limits.filter((limit) => limit.provider === provider);
  const ofModel = ofProvider.filter((limit) => limit.model === model);
  // As ADMIT has it: an entry for the model is all that counts for it.
  const own = ofModel.length > 0 ? ofModel : ofProvider.filter((limit) => limit.model === null);
  const times = own.flatMap((limit) => {
    const rates: readonly (readonly [amount: number, perSecond: number | undefined])[] = [
      [rows, limit.requestsPerSecond],
      [rows, perSecond(limit.requestsPerMinute, 60)],
      [inputTokens + outputTokens, perSecond(limit.tokensPerMinute, 60)],
      [inputTokens, perSecond(limit.inputTokensPerMinute, 60)],
      [outputTokens, perSecond(limit.outputTokensPerMinute, 60)],
    ];
    // A day's requests may all be made at its beginning.
    const days = limit.requestsPerDay === undefined ? [] : [Math.ceil(rows / (limit.requestsPerDay * keys)) - 1];
    return [
      ...days.map((count) => Math.max(0, count) * DAY_MS),
      ...rates.flatMap(([amount, rate]) =>
        rate === undefined ? [] : [Math.max(0, (amount / (rate * keys) - limit.burstSeconds) * 1000)],
      ),
    ];
  });
  return times.length === 0 ? null : Math.round(Math.max(...times));
}

function perSecond(amount: number | undefined, seconds: number): number | undefined {
  return amount === undefined ? undefined : amount / seconds;
}
