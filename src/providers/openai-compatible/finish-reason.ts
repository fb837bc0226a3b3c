import type { FinishReason } from "../provider.ts";

/**
 * `end_turn` is xAI's (https://docs.x.ai/developers/rest-api-reference, read 2026-11-23); tool calls are never asked
 * for and so are `other`.
 */
export function finishReason(raw: string | null): FinishReason {
  switch (raw) {
    case "stop":
    case "end_turn":
      return "stop";
    case "length":
      return "length";
    case "content_filter":
      return "content-filter";
    default:
      return "other";
  }
}
