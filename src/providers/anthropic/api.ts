import type { ProviderConnection } from "../definition.ts";

export const ANTHROPIC_ID = "anthropic";

/** The last version that takes sampling parameters. The package's own, 2026-10-21, answers 400 to each of them. */
export const API_VERSION = "2023-06-01";

/** People also write the base URL with the version, as those of other vendors are. */
export function rootOf({ baseUrl }: Pick<ProviderConnection, "baseUrl">): string {
  return baseUrl.replace(/\/v1$/, "");
}
