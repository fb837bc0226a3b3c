import type { SeenCall } from "../support/recorded-server.ts";
import type { RecordedAnswer } from "../support/recorded-answers.ts";

/** What a call of a batch API is for. */
export type BatchCall = "upload" | "submit" | "list" | "look" | "file" | "cancel";

/** What became of a row, as a vendor's file of results tells it. */
export type RowEnd = { readonly status: number; readonly body: unknown } | "expired" | "cancelled";

export interface BatchParts {
  /** Default `batch_1`. */
  readonly id?: string;
  /** Default `over`. */
  readonly state?: "running" | "over";
  /** Default 3. */
  readonly rows?: number;
  /** Default: somebody else's. */
  readonly marker?: string;
  /** Epoch ms; default: now. */
  readonly createdAt?: number;
}

/** How a vendor's batch API puts things, so that one suite can ask the same of all of them. */
export interface BatchWire {
  baseUrl(origin: string): string;
  readonly keyHeader: { readonly name: string; value(key: string): string };
  /** In test/fixtures: the vendor's own answers. */
  readonly folder: string;
  /** Its error in an answer of a row. */
  error(message: string): unknown;
  callOf(call: Pick<SeenCall, "method" | "url">): BatchCall;
  /** What was uploaded or submitted: custom id → wire body. `null`: nothing. */
  rowsOf(call: SeenCall): ReadonlyMap<string, unknown> | null;
  batch(parts?: BatchParts): unknown;
  page(batches: readonly unknown[], hasMore: boolean): unknown;
  /** One line, without its end. */
  line(customId: string, end: RowEnd): string;
  /** A text as the body of an answer. */
  text(text: string): RecordedAnswer;
}
