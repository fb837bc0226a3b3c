/**
 * The contract between the worker and a vendor's batch API: many requests in one file, answered within a day at a
 * discount. It imports types only.
 */
import type { ProviderError } from "./provider-error.ts";
import type { GenerateRequest, GenerateResponse } from "./provider.ts";

export interface BatchRow {
  /** The attempt's id; the answers come in any order and carry it. */
  readonly customId: string;
  readonly request: GenerateRequest;
}

/** What came of one row. `expired`, `cancelled`: the vendor did not get to it, and charges nothing. */
export type BatchRowOutcome =
  | { readonly is: "answered"; readonly response: GenerateResponse }
  | { readonly is: "failed"; readonly error: ProviderError }
  | { readonly is: "expired" | "cancelled" };

export interface BatchStatus {
  /** `failed`: it was refused as a whole; no row was run. `ended`: there is an outcome for every row. */
  readonly state: "running" | "ended" | "failed";
  /** Epoch ms; `null`: not said. */
  readonly expiresAt: number | null;
  readonly done: number;
  readonly total: number;
  /** With `failed`: one line for people. */
  readonly message: string | null;
}

export interface BatchApi {
  /** What one batch takes at the most. */
  readonly maxRows: number;
  readonly maxBytes: number;
  /** One model per batch. */
  readonly oneModel: boolean;
  /** Its share of the normal price, e.g. 0.5. */
  readonly priceFactor: number;
  /**
   * Uploads and submits. `marker` is sent along where the vendor takes such a thing, so that `find` can tell the batch.
   * @returns the vendor's id @throws ProviderError
   */
  submit(rows: readonly BatchRow[], marker: string, signal: AbortSignal): Promise<string>;
  /**
   * Looks for a batch that was submitted although nobody noted its id.
   * @param probe what is known of it; `submittedAfter` is epoch ms
   * @returns its id; `null`: the vendor has none @throws ProviderError
   */
  find(probe: BatchProbe, signal: AbortSignal): Promise<string | null>;
  /** @throws ProviderError */
  status(batchId: string, signal: AbortSignal): Promise<BatchStatus>;
  /** An outcome for every row that the vendor tells of, in any order. @throws ProviderError */
  results(batchId: string, signal: AbortSignal): AsyncIterable<readonly [customId: string, outcome: BatchRowOutcome]>;
  /** @throws ProviderError */
  cancel(batchId: string, signal: AbortSignal): Promise<void>;
}

export interface BatchProbe {
  readonly marker: string;
  readonly submittedAfter: number;
  /** Of its rows, in order. */
  readonly customIds: readonly string[];
  /** Batches of the same key that are accounted for. */
  readonly known: ReadonlySet<string>;
}
