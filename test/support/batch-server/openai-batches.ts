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
  type RowFate,
  type State,
} from "./made-batches.ts";

export function openAi(asked: Asked, state: State): void {
  const { method, path, body, response } = asked;
  const { files, made } = state;
  if (method === "POST" && path === "/v1/files") {
    const id = `file-${files.size + 1}`;
    files.set(id, body.slice(body.indexOf("\r\n\r\n", body.indexOf("filename=")) + 4, body.lastIndexOf("\r\n--")));
    return send(response, 200, { id, object: "file", purpose: "batch" });
  }
  if (method === "POST" && path === "/v1/batches") return makeOpenAi(asked, state);
  if (method === "GET" && path === "/v1/batches") {
    for (const batch of made) batch.looksLeft--;
    const data = made.map((batch) => openAiBatch(batch, state)).toReversed();
    return send(response, 200, { object: "list", data, has_more: false });
  }
  if (path === "/v1/chat/completions") return liveOpenAi(asked, state);
  const [, , kind, id, action] = path.split("/");
  const batch = made.find((one) => one.id === id || `${one.id}-out` === id || `${one.id}-err` === id);
  if (batch === undefined)
    return send(response, 404, openAiError({ status: 404, type: "invalid", message: "no such" }));
  if (kind === "files") return send(response, 200, openAiFile(batch, id ?? "", state), "application/octet-stream");
  if (action === "cancel") {
    const error = { status: 400, type: "invalid_request_error", message: "Cannot cancel a batch that is completed." };
    if (isCancelled(batch, state)) return send(response, 200, openAiBatch(batch, state));
    return send(response, 400, openAiError(error));
  }
  batch.looksLeft--;
  return send(response, 200, openAiBatch(batch, state));
}

function makeOpenAi(asked: Asked, state: State): void {
  const { body } = asked;
  const { files } = state;
  const { input_file_id: file, metadata } = JSON.parse(body) as { input_file_id: string; metadata: unknown };
  const lines = (files.get(file) ?? "").trim().split("\n");
  const rows = lines.map((line) => {
    const { custom_id: customId, body: row } = JSON.parse(line) as {
      custom_id: string;
      body: Record<string, unknown>;
    };
    return { customId, body: row };
  });
  return make(asked, state, newBatch(state, { rows, metadata }), (batch) => openAiBatch(batch, state));
}

function liveOpenAi({ body, response }: Asked, { live, options }: State): void {
  live.push(JSON.parse(body));
  const fate = options.live?.(promptOf(JSON.parse(body))) ?? { text: `Live text ${live.length}.` };
  return "text" in fate ? send(response, 200, completion(fate.text)) : send(response, fate.status, openAiError(fate));
}

function openAiBatch(batch: MadeBatch, state: State): unknown {
  const { failWith } = state.options;
  const isOver = batch.looksLeft < 0;
  const fates = batch.rows.map((_, index) => fateOf(index, batch, state));
  const status = !isOver
    ? "in_progress"
    : failWith !== undefined
      ? "failed"
      : batch.isCancelled
        ? "cancelled"
        : fates.includes("expired")
          ? "expired"
          : "completed";
  const completed = fates.filter((fate) => typeof fate === "object" && "text" in fate).length;
  return {
    ...{ id: batch.id, object: "batch", endpoint: "/v1/chat/completions", status, completion_window: "24h" },
    errors:
      failWith === undefined || !isOver ? null : { object: "list", data: [{ code: "failed", message: failWith }] },
    ...{ output_file_id: isOver ? `${batch.id}-out` : null, error_file_id: isOver ? `${batch.id}-err` : null },
    created_at: Math.floor(batch.createdAt / 1000),
    expires_at: Math.floor(batch.createdAt / 1000) + 86_400,
    request_counts: { total: batch.rows.length, completed: isOver ? completed : 0, failed: 0 },
    metadata: batch.metadata,
  };
}

function openAiFile(batch: MadeBatch, id: string, state: State): string {
  const isErrors = id.endsWith("-err");
  const lines = batch.rows.flatMap(({ customId }, index): object[] => {
    const fate = fateOf(index, batch, state);
    const row = { id: `batch_req_${index}`, custom_id: customId };
    if (fate === "missing") return [];
    if (fate === "expired") {
      const error = {
        code: "batch_expired",
        message: "This request could not be executed before the completion window expired.",
      };
      return isErrors ? [{ ...row, response: null, error }] : [];
    }
    if ("text" in fate) {
      const response = { status_code: 200, request_id: `req_${index}`, body: completion(fate.text) };
      return isErrors ? [] : [{ ...row, response, error: null }];
    }
    const response = { status_code: fate.status, request_id: `req_${index}`, body: openAiError(fate) };
    return isErrors ? [{ ...row, response, error: null }] : [];
  });
  // Answers come in any order.
  return lines
    .toReversed()
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

function openAiError({ type, message }: Exclude<RowFate, string | { text: string }>): unknown {
  return { error: { message, type, param: null, code: type } };
}

function completion(content: string): unknown {
  return {
    ...{ id: "chatcmpl-1", object: "chat.completion", created: 1_790_000_000, model: "gpt-6-luna" },
    choices: [{ index: 0, message: { role: "assistant", content, refusal: null }, finish_reason: "stop" }],
    usage: { prompt_tokens: USAGE.input, completion_tokens: USAGE.output, total_tokens: USAGE.input + USAGE.output },
  };
}
