import { once } from "node:events";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import type { Agent } from "../../../src/agents/agent.ts";
import { loadAgents } from "../../../src/agents/load-agents.ts";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { compileOptions } from "../../../src/compose.ts";
import { composeMonitor, type MonitorParts } from "../../../src/compose-monitor.ts";
import { DEFAULT_CONFIG, type ConfigFile } from "../../../src/config/config-file.ts";
import { loadConfig, type MonitorConfig } from "../../../src/config/load-config.ts";
import { packageRoot } from "../../../src/platform/package-root.ts";
import { testRedisUrl } from "../../support/redis.ts";

export interface TestMonitorOptions {
  readonly namespace: string;
  /** Default: the Redis of the tests. */
  readonly redisUrl?: string;
  readonly readOnly?: boolean;
  /** Of operators, and of viewers. */
  readonly token?: string;
  readonly viewerToken?: string;
  readonly allowedHosts?: readonly string[];
  /** The configuration file; default: an empty one. */
  readonly file?: ConfigFile;
  /** Agents as in files; default: the examples. */
  readonly agents?: readonly unknown[];
  /** What the API takes, where it is not the default. */
  readonly apiLimits?: Partial<ConfigFile["monitor"]>;
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
  /** Sent as browsers send a form. */
  readonly form?: Readonly<Record<string, string>>;
}

/** The monitor as it runs, at a free port. */
export interface TestMonitor extends AsyncDisposable {
  readonly url: string;
  send(path: string, sending?: Sending): Promise<Answer>;
  /** GET, which must answer 200. */
  json<T>(path: string): Promise<T>;
}

export async function openMonitor({ namespace, redisUrl, ...options }: TestMonitorOptions): Promise<TestMonitor> {
  const { readOnly = false, token = null, viewerToken = null, allowedHosts = [], file = DEFAULT_CONFIG } = options;
  const tokens = { operator: token, viewer: viewerToken };
  const parts = monitorParts(namespace, { host: "127.0.0.1", port: 0, tokens, allowedHosts }, file);
  const monitor = await composeMonitor({
    ...parts,
    config: { ...parts.config, file: { ...file, monitor: { ...file.monitor, ...options.apiLimits } } },
    ...(options.agents === undefined ? {} : { agents: agentsOf(options.agents) }),
    address: { url: redisUrl ?? testRedisUrl() },
    readOnly,
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

const CONFIG = loadConfig({ environment: {}, directory: "/nowhere", isTerminal: false });
const EXAMPLES = await loadAgents(join(packageRoot(), "examples/agents"), compileOptions(CONFIG));

/** With the example agents. */
export function monitorParts(
  namespace: string,
  monitor: MonitorConfig,
  file: ConfigFile = DEFAULT_CONFIG,
): Omit<MonitorParts, "address" | "readOnly"> {
  return { config: { ...CONFIG, namespace, monitor, file }, agents: EXAMPLES.agents, schedules: EXAMPLES.schedules };
}

function agentsOf(files: readonly unknown[]): ReadonlyMap<string, Agent> {
  const agents = files.map((file) => parseAgentObject("agent", file, compileOptions(CONFIG)).agent);
  return new Map(agents.map((agent) => [agent.id, agent]));
}

async function sendTo(base: string, path: string, sending: Sending = {}): Promise<Answer> {
  const { method = "GET", headers } = sending;
  const { hostname, port } = new URL(base);
  const { type, content } = contentOf(sending);
  // `path` is sent as it stands: no client tidies it up.
  const sent = request({ hostname, port, path, method, headers: { ...type, ...headers }, agent: false });
  sent.end(content);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}

function contentOf({ body, form }: Sending): { type: Readonly<Record<string, string>>; content?: string } {
  if (form !== undefined)
    return {
      type: { "content-type": "application/x-www-form-urlencoded" },
      content: new URLSearchParams(form).toString(),
    };
  if (body === undefined) return { type: {} };
  return { type: { "content-type": "application/json" }, content: JSON.stringify(body) };
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
