/**
 * The contract between the worker and a vendor's batch API: many requests in one file, answered within a day at a
 * discount. It imports types only.
 */
import type { ProviderError } from "./provider-error.ts";
import type { GenerateRequest, GenerateResponse } from "./provider.ts";

/** Custom id → request. The answers come in any order and carry the id: the marker of the batch, a dash and a number. */
export type BatchRows = ReadonlyMap<string, GenerateRequest>;

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
  /** Its share of the normal price, e.g. 0.5. */
  readonly priceFactor: number;
  /**
   * Uploads and submits. `marker` is sent along where the vendor takes such a thing, so that `find` can tell the batch.
   * @returns the vendor's id @throws ProviderError
   */
  submit(rows: BatchRows, marker: string, signal: AbortSignal): Promise<string>;
  /**
   * Looks for a batch that was submitted although nobody noted its id.
   * @returns its id; `null`: the vendor certainly has none
   * @throws ProviderError, also while that cannot be told (`overloaded`); none of them says that there is no such batch
   */
  find(probe: BatchProbe, signal: AbortSignal): Promise<string | null>;
  /** @throws ProviderError */
  status(batchId: string, signal: AbortSignal): Promise<BatchStatus>;
  /**
   * An outcome for every row that the vendor tells of, in any order; ids that are not among the rows are left out. A row
   * whose answer cannot be read has failed; one that is not told of was not run.
   * @throws ProviderError
   */
  results(batchId: string, rows: BatchRows, signal: AbortSignal): AsyncIterable<BatchRowResult>;
  /** Of one that is over already: nothing happens. @throws ProviderError */
  cancel(batchId: string, signal: AbortSignal): Promise<void>;
}

export type BatchRowResult = readonly [customId: string, outcome: BatchRowOutcome];

/** What is known of a batch whose id is not. */
export interface BatchProbe {
  readonly marker: string;
  /** Epoch ms. */
  readonly submittedAfter: number;
  /** How many rows it has. */
  readonly rows: number;
  /** Ids of batches of the same key that are accounted for. */
  readonly known: ReadonlySet<string>;
}
