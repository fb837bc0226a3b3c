import {
  fateOf,
  isCancelled,
  make,
  newBatch,
  promptOf,
  send,
  USAGE,
  type Asked,
  type MadeBatch,
  type State,
} from "./made-batches.ts";

export function anthropic(asked: Asked, state: State): void {
  const { method, path, body, response } = asked;
  const { made, live, options } = state;
  if (method === "POST" && path === "/v1/messages/batches") {
    const { requests } = JSON.parse(body) as { requests: { custom_id: string; params: Record<string, unknown> }[] };
    const rows = requests.map(({ custom_id: customId, params }) => ({ customId, body: params }));
    return make(asked, state, newBatch(state, { rows, metadata: null }), (batch) => anthropicBatch(batch, state));
  }
  if (method === "GET" && path === "/v1/messages/batches") {
    for (const batch of made) batch.looksLeft--;
    const data = made.map((batch) => anthropicBatch(batch, state)).toReversed();
    return send(response, 200, { data, has_more: false, first_id: null, last_id: null });
  }
  if (path === "/v1/messages") {
    live.push(JSON.parse(body));
    const fate = options.live?.(promptOf(JSON.parse(body))) ?? { text: `Live text ${live.length}.` };
    return "text" in fate
      ? send(response, 200, message(fate.text))
      : send(response, fate.status, { type: "error", error: { type: fate.type, message: fate.message } });
  }
  const [, , , , id, action] = path.split("/");
  const batch = made.find((one) => one.id === id);
  if (batch === undefined)
    return send(response, 404, { type: "error", error: { type: "not_found_error", message: "x" } });
  if (action === "results") return send(response, 200, anthropicResults(batch, state), "application/x-jsonl");
  if (action === "cancel") {
    const error = { type: "invalid_request_error", message: "This batch has ended." };
    if (isCancelled(batch, state)) return send(response, 200, anthropicBatch(batch, state));
    return send(response, 400, { type: "error", error });
  }
  batch.looksLeft--;
  return send(response, 200, anthropicBatch(batch, state));
}

function anthropicBatch(batch: MadeBatch, state: State): unknown {
  const isOver = batch.looksLeft < 0;
  const fates = batch.rows.map((_, index) => fateOf(index, batch, state));
  const expired = fates.filter((fate) => fate === "expired").length;
  const counts = isOver
    ? { processing: 0, succeeded: batch.rows.length - expired, errored: 0, canceled: 0, expired }
    : { processing: batch.rows.length, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  return {
    ...{ id: batch.id, type: "message_batch", processing_status: isOver ? "ended" : "in_progress" },
    ...{ request_counts: counts, ended_at: null, cancel_initiated_at: null, archived_at: null, results_url: null },
    created_at: new Date(batch.createdAt).toISOString(),
    expires_at: new Date(batch.createdAt + 86_400_000).toISOString(),
  };
}

function anthropicResults(batch: MadeBatch, state: State): string {
  return batch.rows
    .flatMap(({ customId }, index) => {
      const fate = fateOf(index, batch, state);
      if (fate === "missing") return [];
      const result =
        fate === "expired"
          ? { type: batch.isCancelled ? "canceled" : "expired" }
          : "text" in fate
            ? { type: "succeeded", message: message(fate.text) }
            : { type: "errored", error: { type: "error", error: { type: fate.type, message: fate.message } } };
      return [`${JSON.stringify({ custom_id: customId, result })}\n`];
    })
    .toReversed()
    .join("");
}

function message(content: string): unknown {
  return {
    ...{ id: "msg_1", type: "message", role: "assistant", model: "claude-haiku-5-5", stop_reason: "end_turn" },
    ...{ content: [{ type: "text", text: content }], stop_sequence: null },
    usage: { input_tokens: USAGE.input, output_tokens: USAGE.output },
  };
}
