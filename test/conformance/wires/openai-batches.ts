import type { BatchWire } from "../batch-wire.ts";
import { CHAT_COMPLETIONS } from "./chat-completions.ts";

/** https://developers.openai.com/api/docs/guides/batch (read 2026-11-26), and resources/batches.d.ts of openai 7. */
export const OPENAI_BATCHES: BatchWire = {
  baseUrl: (origin) => `${origin}/v1`,
  keyHeader: CHAT_COMPLETIONS.keyHeader,
  folder: "openai",
  error: CHAT_COMPLETIONS.error,
  callOf({ method, url }) {
    const [, path = "", id, action] = /^\/v1\/(files|batches)(?:\/([^/?]+))?(?:\/([^/?]+))?/.exec(url) ?? [];
    if (path === "files") return id === undefined ? "upload" : "file";
    if (id === undefined) return method === "POST" ? "submit" : "list";
    return action === "cancel" ? "cancel" : "look";
  },
  rowsOf({ url, bodyText }) {
    if (!url.startsWith("/v1/files")) return null;
    const from = bodyText.indexOf("\r\n\r\n", bodyText.indexOf("filename=")) + 4;
    const lines = bodyText.slice(from, bodyText.lastIndexOf("\r\n--")).trim().split("\n");
    return new Map(
      lines.map((line) => {
        const { custom_id: id, body } = JSON.parse(line) as { custom_id: string; body: unknown };
        return [id, body] as const;
      }),
    );
  },
  batch({ id = "batch_1", state = "over", rows = 3, marker = "somebody", createdAt = Date.now() } = {}) {
    const isOver = state === "over";
    return {
      ...{ id, object: "batch", endpoint: "/v1/chat/completions", errors: null, input_file_id: "file-in" },
      ...{ completion_window: "24h", status: isOver ? "completed" : "in_progress" },
      // Without errors the id of their file is empty, and not null: github.com/tobert/kaibo/pull/93
      ...{ output_file_id: isOver ? "file-out" : null, error_file_id: isOver ? "" : null },
      created_at: Math.floor(createdAt / 1000),
      expires_at: Math.floor(createdAt / 1000) + 86_400,
      request_counts: { total: rows, completed: isOver ? rows : 1, failed: 0 },
      metadata: { puppet_engine_batch: marker },
    };
  },
  page: (batches, hasMore) => ({ object: "list", data: batches, has_more: hasMore }),
  line(customId, end) {
    const row = { id: "batch_req_1", custom_id: customId };
    if (typeof end === "string") {
      const message = "This request could not be executed before the completion window expired.";
      return JSON.stringify({ ...row, response: null, error: { code: `batch_${end}`, message } });
    }
    const response = { status_code: end.status, request_id: `req_of_${customId}`, body: end.body };
    return JSON.stringify({ ...row, response, error: null });
  },
  text: (text) => CHAT_COMPLETIONS.whole({ text }),
};
