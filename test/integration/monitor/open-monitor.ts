import { once } from "node:events";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { composeMonitor } from "../../../src/compose-monitor.ts";
import { testRedisUrl } from "../../support/redis.ts";

export interface TestMonitorOptions {
  readonly namespace: string;
  /** Default: the Redis of the tests. */
  readonly redisUrl?: string;
  readonly writable?: boolean;
  readonly token?: string;
  readonly allowedHosts?: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Sending {
  /** Default GET. */
  readonly method?: string;
  /** `host` and `origin` too, which `fetch` does not let anybody choose. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** The monitor as it runs, at a free port. */
export interface TestMonitor extends AsyncDisposable {
  readonly url: string;
  send(path: string, sending?: Sending): Promise<Answer>;
  /** GET, which must answer 200. */
  json<T>(path: string): Promise<T>;
}

export async function openMonitor({ namespace, redisUrl, ...options }: TestMonitorOptions): Promise<TestMonitor> {
  const { writable = false, token = null, allowedHosts = [] } = options;
  const monitor = await composeMonitor({
    config: { namespace, monitor: { host: "127.0.0.1", port: 0, token, allowedHosts } },
    address: { url: redisUrl ?? testRedisUrl() },
    writable,
  });
  const send = async (path: string, sending?: Sending): Promise<Answer> => await sendTo(monitor.url, path, sending);
  return {
    url: monitor.url,
    send,
    async json<T>(path: string) {
      const answer = await send(path);
      if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${answer.text}`);
      return JSON.parse(answer.text) as T;
    },
    [Symbol.asyncDispose]: () => monitor[Symbol.asyncDispose](),
  };
}

async function sendTo(base: string, path: string, { method = "GET", headers, body }: Sending = {}): Promise<Answer> {
  const { hostname, port } = new URL(base);
  const json = body === undefined ? undefined : JSON.stringify(body);
  const type = json === undefined ? {} : { "content-type": "application/json" };
  // `path` is sent as it stands: no client tidies it up.
  const sent = request({ hostname, port, path, method, headers: { ...type, ...headers }, agent: false });
  sent.end(json);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}

/** A queue as Bull Board's page gets it. */
export interface BoardQueue {
  readonly name: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly readOnlyMode: boolean;
  readonly allowRetries: boolean;
  readonly allowCompletedRetries: boolean;
  readonly hasWorkers: boolean | null;
  readonly activeRateLimitTtl: number;
  readonly jobs: readonly BoardJob[];
}

export interface BoardJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly returnValue: unknown;
  readonly failedReason?: string;
}

/** What the board's page shows, by name. */
export async function boardQueues(monitor: TestMonitor): Promise<Readonly<Record<string, BoardQueue>>> {
  const { queues } = await monitor.json<{ queues: BoardQueue[] }>("/board/api/queues");
  return Object.fromEntries(queues.map((queue) => [queue.name, queue]));
}

/** Where the board keeps a lane, or one job of it. */
export function boardPath(lane: string, jobId?: string): string {
  const queue = `/board/api/queues/${encodeURIComponent(lane)}`;
  return jobId === undefined ? queue : `${queue}/j_${jobId}`;
}
