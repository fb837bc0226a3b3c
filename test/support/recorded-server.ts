import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { bodyTextOf, completionAnswer, type RecordedAnswer } from "./recorded-answers.ts";

/** One request as the server saw it. Everything is in here that a bill could be made of. */
export interface SeenCall {
  /** Counted from 0, in the order of arrival. */
  readonly index: number;
  /** Epoch ms at which the request line arrived. */
  readonly at: number;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bodyText: string;
  /** Parsed; `undefined` when it is no JSON. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** `answered`: the whole answer was sent; `broken`: the connection ended before that. */
  state: "open" | "answered" | "broken";
  /** Epoch ms at which it was answered or broken; absent while it is open. */
  endedAt?: number;
}

/**
 * A recorded answer, or a function that returns one (as late as it likes), writes to `response` itself, or never
 * answers.
 */
export type Answer =
  | RecordedAnswer
  | ((call: SeenCall, response: ServerResponse) => RecordedAnswer | void | Promise<RecordedAnswer | void>);

/** An HTTP server on loopback that speaks chat completions and remembers every call. */
export interface RecordedServer extends AsyncDisposable {
  /** What goes into `OPENAI_BASE_URL` or `GROK_API_ENDPOINT`. */
  readonly baseUrl: string;
  /** The ledger: every call since the start. */
  readonly calls: readonly SeenCall[];
  /** For the next calls, in this order; the last one stays. Default: a plain completion. */
  answerWith(...answers: [Answer, ...Answer[]]): void;
  /** Resolves when `count` calls have arrived. */
  seen(count: number): Promise<void>;
  /** Resolves when no call is open any more. */
  idle(): Promise<void>;
  /** Cuts what is open. */
  close(): Promise<void>;
}

export async function startRecordedServer(...first: Answer[]): Promise<RecordedServer> {
  const calls: SeenCall[] = [];
  const waiting = new Set<() => void>();
  let answers: Answer[] = first.length > 0 ? first : [completionAnswer()];

  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  const notify = (): void => waiting.forEach((check) => check());

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const at = Date.now();
    const bodyText = await text(request);
    const call = seenCall(request, { index: calls.length, at, bodyText });
    calls.push(call);
    response.on("close", () => {
      call.state = response.writableFinished ? "answered" : "broken";
      call.endedAt = Date.now();
      notify();
    });
    notify();
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? completionAnswer();
    const recorded = typeof answer === "function" ? await answer(call, response) : answer;
    if (recorded !== undefined) send(recorded, response);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    calls,
    answerWith: (...next) => {
      answers = next;
    },
    seen: (count) => until(() => calls.length >= count),
    idle: () => until(() => calls.every(({ state }) => state !== "open")),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function send(answer: RecordedAnswer, response: ServerResponse): void {
  response.writeHead(answer.response.status, answer.response.headers);
  response.end(bodyTextOf(answer));
}

interface Arrival {
  readonly index: number;
  readonly at: number;
  readonly bodyText: string;
}

function seenCall(request: IncomingMessage, { index, at, bodyText }: Arrival): SeenCall {
  return {
    index,
    at,
    method: request.method ?? "",
    url: request.url ?? "",
    headers: { ...request.headers },
    bodyText,
    body: parse(bodyText),
    state: "open",
  };
}

function parse(bodyText: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(bodyText) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
