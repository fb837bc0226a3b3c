import type { ProviderId } from "../providers/provider.ts";

/** Parameters that a model has refused: they are left out of the next calls, of whatever job. */
export interface RefusedParameters {
  /** Wire names. */
  of(provider: ProviderId, model: string): readonly string[];
  learn(provider: ProviderId, model: string, parameter: string): void;
}
