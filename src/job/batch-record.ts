/**
 * - `forming`: its rows are admitted.
 * - `submitting`: the vendor is being told, or may have been.
 * - `submitted`: the vendor has it.
 * - `collecting`: its answers are taken.
 * - `done`: every row has gone its way. `failed`: the vendor has refused it as a whole, and its rows went elsewhere.
 */
export type BatchState = "forming" | "submitting" | "submitted" | "collecting" | "done" | "failed";

/** A batch as Redis knows it. */
export interface BatchRecord {
  readonly id: string;
  readonly state: BatchState;
  readonly provider: string;
  readonly model: string;
  /** Eight hex digits of the key's hash; `null`: it has none. */
  readonly keyId: string | null;
  /** The vendor's id; `null`: not yet. */
  readonly vendorId: string | null;
  /** Epoch ms. */
  readonly createdAt: number;
  /** When the vendor was told for the first time, and for the last. */
  readonly submittingAt: number | null;
  readonly triedAt: number | null;
  readonly endedAt: number | null;
  readonly expiresAt: number | null;
  readonly nextLookAt: number;
  /** How often the vendor was asked. */
  readonly looks: number;
  readonly total: number;
  /** What the vendor says. */
  readonly done: number;
  /** Rows with a text that counts. */
  readonly succeeded: number;
  /** Rows that went on in their lanes. */
  readonly returned: number;
  /** Somebody wants it to end. */
  readonly isCancelled: boolean;
  readonly message: string | null;
}
