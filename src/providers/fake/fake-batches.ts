import type { BatchApi, BatchRowResult, BatchRows } from "../batch.ts";
import { ProviderError } from "../provider-error.ts";
import type { Provider } from "../provider.ts";

const PREFIX = "fake-batch-";
const MOST_ROWS = 50_000;
const MOST_BYTES = 200_000_000;

/** Batches without a vendor: they are done at once, and nothing of them is kept, because every answer follows from its row. */
export function createFakeBatches(provider: Provider): BatchApi {
  return {
    ...{ maxRows: MOST_ROWS, maxBytes: MOST_BYTES, priceFactor: 0.5 },
    submit: async (rows, marker) => `${PREFIX}${marker}-${rows.size}`,
    find: async () => null,
    async status(batchId) {
      const total = Number(batchId.slice(batchId.lastIndexOf("-") + 1));
      return { state: "ended", expiresAt: null, done: total, total, message: null };
    },
    results: (_, rows, signal) => answerAll(provider, rows, signal),
    cancel: async () => undefined,
  };
}

async function* answerAll(provider: Provider, rows: BatchRows, signal: AbortSignal): AsyncGenerator<BatchRowResult> {
  for (const [customId, request] of rows) {
    try {
      yield [customId, { is: "answered", response: await provider.generate(request, signal) }];
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      yield [customId, { is: "failed", error }];
    }
  }
}
