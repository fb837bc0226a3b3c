import type { BatchWire } from "../batch-wire.ts";
import { MESSAGES } from "./messages.ts";

/** https://platform.claude.com/docs/en/api/messages/batches (read 2026-11-26), and batches.d.ts of @anthropic-ai/sdk 1. */
export const MESSAGE_BATCHES: BatchWire = {
  baseUrl: (origin) => origin,
  keyHeader: MESSAGES.keyHeader,
  folder: "anthropic",
  error: MESSAGES.error,
  callOf({ method, url }) {
    const [, id, action] = /^\/v1\/messages\/batches(?:\/([^/?]+))?(?:\/([^/?]+))?/.exec(url) ?? [];
    if (id === undefined) return method === "POST" ? "submit" : "list";
    return action === undefined ? "look" : action === "cancel" ? "cancel" : "file";
  },
  rowsOf({ method, url, body }) {
    if (method !== "POST" || url !== "/v1/messages/batches") return null;
    const requests = body?.["requests"] as readonly { readonly custom_id: string; readonly params: unknown }[];
    return new Map(requests.map(({ custom_id: id, params }) => [id, params]));
  },
  batch({ id = "batch_1", state = "over", rows = 3, createdAt = Date.now() } = {}) {
    const isOver = state === "over";
    const none = { errored: 0, canceled: 0, expired: 0 };
    return {
      ...{ id, type: "message_batch", processing_status: isOver ? "ended" : "in_progress" },
      // "This is zero until processing of the entire Message Batch has ended", says batches.d.ts of the others.
      request_counts: { processing: isOver ? 0 : rows, succeeded: isOver ? rows : 0, ...none },
      ...{ ended_at: null, cancel_initiated_at: null, archived_at: null },
      created_at: new Date(createdAt).toISOString(),
      expires_at: new Date(createdAt + 86_400_000).toISOString(),
      results_url: isOver ? `https://api.anthropic.com/v1/messages/batches/${id}/results` : null,
    };
  },
  page(batches, hasMore) {
    const last = batches.at(-1) as { id: string } | undefined;
    return { data: batches, has_more: hasMore, first_id: null, last_id: last?.id ?? null };
  },
  line(customId, end) {
    if (typeof end === "string") {
      return JSON.stringify({ custom_id: customId, result: { type: end === "cancelled" ? "canceled" : end } });
    }
    const result = end.status === 200 ? { type: "succeeded", message: end.body } : { type: "errored", error: end.body };
    return JSON.stringify({ custom_id: customId, result });
  },
  text: (text) => MESSAGES.whole({ text }),
};
