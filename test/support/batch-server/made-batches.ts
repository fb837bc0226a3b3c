import type { ServerResponse } from "node:http";

/** What becomes of a row: a text, an error of the vendor's, nothing before the batch expires, or no word about it at all. */
export type RowFate =
  | { readonly text: string }
  | { readonly status: number; readonly type: string; readonly message: string }
  | "expired"
  | "missing";

export interface BatchServerOptions {
  readonly vendor: "openai" | "anthropic";
  /** @param index of the row in its batch, from 0 */
  readonly fate?: (index: number, prompt: string) => RowFate;
  /** How often a batch is not done yet when somebody asks. Default 1. */
  readonly looks?: number;
  /** Whether the connection breaks after the batch was made. @param batch counted from 0 */
  readonly loseReply?: (batch: number) => boolean;
  /** Refuses calls. @param call e.g. `GET /v1/batches` */
  readonly refuse?: (call: string) => { readonly status: number; readonly body: unknown } | null;
  /** Refuses a batch as a whole, after it was made (OpenAI). */
  readonly failWith?: string;
  /** Whether a batch is over by the time that somebody cancels it, which the vendor refuses then. Default false. */
  readonly isOverWhenCancelled?: boolean;
  /** What live calls answer. Default: a text. */
  readonly live?: (prompt: string) => RowFate & object;
}

export interface MadeBatch {
  readonly id: string;
  readonly rows: readonly { readonly customId: string; readonly body: Record<string, unknown> }[];
  readonly metadata: unknown;
  readonly createdAt: number;
  looksLeft: number;
  isCancelled: boolean;
}

export const USAGE = { input: 40, output: 8 };

export interface State {
  readonly options: BatchServerOptions;
  readonly made: MadeBatch[];
  readonly live: unknown[];
  readonly files: Map<string, string>;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly response: ServerResponse;
}

export function send(response: ServerResponse, status: number, body: unknown, type = "application/json"): void {
  response.writeHead(status, { "content-type": type }).end(typeof body === "string" ? body : JSON.stringify(body));
}

export function make({ response }: Asked, state: State, batch: MadeBatch, view: (batch: MadeBatch) => unknown): void {
  const { options, made } = state;
  const isLost = options.loseReply?.(made.length) === true;
  made.push(batch);
  if (isLost) response.destroy();
  else send(response, 200, view(batch));
}

export function newBatch(state: State, parts: Pick<MadeBatch, "rows" | "metadata">): MadeBatch {
  const { options, made } = state;
  const id = `${options.vendor === "openai" ? "batch_" : "msgbatch_"}${made.length + 1}`;
  return { id, createdAt: Date.now(), looksLeft: options.looks ?? 1, isCancelled: false, ...parts };
}

/** False: it was over before. The wording of the refusal is ours; neither vendor documents its own. */
export function isCancelled(batch: MadeBatch, { options }: State): boolean {
  if (options.isOverWhenCancelled === true) batch.looksLeft = -1;
  else batch.isCancelled = true;
  return batch.isCancelled;
}

export function fateOf(index: number, batch: MadeBatch, { options }: State): RowFate {
  const fate = options.fate ?? ((row: number) => ({ text: `Text number ${row} of ${batch.id}.` }));
  return batch.isCancelled && index % 2 === 1 ? "expired" : fate(index, promptOf(batch.rows[index]?.body));
}

export function promptOf(body: unknown): string {
  const { messages = [] } = (body ?? {}) as { messages?: { role: string; content: unknown }[] };
  return String(messages.findLast(({ role }) => role === "user")?.content);
}
