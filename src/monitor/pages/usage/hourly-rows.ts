import type { UsageRow } from "../../../storage/usage-report.ts";
import type { UsageSeries } from "../../../storage/usage-series.ts";

/** What is known of hours. `unpriced` is not: it is counted by the day. */
export type HourlyRow = Pick<
  UsageRow,
  "key" | "requests" | "failures" | "inputTokens" | "outputTokens" | "costMicroUsd"
> & {
  readonly unpriced?: number;
};

/** The sums of what the charts show. */
export function hourlyRows({ series }: UsageSeries): HourlyRow[] {
  return series.map(({ key, requests, failures, inputTokens, outputTokens, costMicroUsd }) => ({
    key,
    requests: sumOf(requests),
    failures: sumOf(failures),
    inputTokens: sumOf(inputTokens),
    outputTokens: sumOf(outputTokens),
    costMicroUsd: sumOf(costMicroUsd),
  }));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
