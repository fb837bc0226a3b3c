import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import type { Queue } from "bullmq";
import type { FastifyInstance } from "fastify";
import type { Lane } from "../queue/lane.ts";
import { laneTitle } from "./lane-title.ts";
import { refuseMethod, type KnownRoutes } from "./no-route.ts";

export interface BoardOptions {
  /** All lanes that there are now; asked again whenever the page asks for its queues. */
  readonly lanes: () => Promise<readonly Lane[]>;
  readonly queue: (laneName: string) => Queue;
  readonly routes: KnownRoutes;
}

const BOARD_PATH = "/board";

/** The most that its page offers. */
const MOST_JOBS_PER_PAGE = 50;

/**
 * `showWorkers` would ask Redis for CLIENT LIST once per lane and poll: with 100 lanes and three workers that blocks it
 * for 136 ms every 5 s (measured), and grows with lanes times clients. `/readyz` and `/metrics` count workers.
 */
const UI_CONFIG = { boardTitle: "Puppet Engine", hideDocsLink: true, sortQueues: true, showWorkers: false };

/** Bull Board with a queue per lane; new lanes appear without a restart. */
export async function registerBoard(server: FastifyInstance, options: BoardOptions): Promise<void> {
  const adapter = new FastifyAdapter();
  const board = createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig: UI_CONFIG } });
  const shown = new Set<string>();
  const showNewLanes = async (): Promise<void> => {
    for (const lane of await options.lanes()) {
      if (shown.has(lane.name)) continue;
      shown.add(lane.name);
      board.addQueue(new LaneAdapter(lane, options));
    }
  };
  adapter.setBasePath(BOARD_PATH);
  await server.register(
    async (scope) => {
      scope.addHook("onRequest", async (request, reply) => {
        // A page of a million jobs would hold Redis up for a minute.
        const { jobsPerPage } = request.query as { jobsPerPage?: unknown };
        if (jobsPerPage !== undefined && !(Number(jobsPerPage) <= MOST_JOBS_PER_PAGE)) {
          return await reply.status(400).send({ error: `jobsPerPage: at most ${MOST_JOBS_PER_PAGE}` });
        }
        // See `showWorkers`: whoever asks by hand would cost the same.
        if (/\/workers(?:\?|$)/.test(request.url)) return await reply.status(404).send({ error: "not found" });
        if (request.url.startsWith(`${BOARD_PATH}/api/`)) await showNewLanes();
      });
      scope.addHook("onSend", async ({ role, routeOptions }, _reply, payload) => {
        const isQueues = routeOptions.url === `${BOARD_PATH}/api/queues`;
        return isQueues && role !== "operator" ? withoutButtons(payload) : withoutForeignFonts(payload);
      });
      // Of this scope, so that its hooks see requests for what there is not.
      scope.setNotFoundHandler(async (request, reply) => {
        return await reply.send({ error: refuseMethod(request, reply, options.routes) ?? "not found" });
      });
      await scope.register(adapter.registerPlugin());
    },
    { prefix: BOARD_PATH },
  );
}

/** The page asks Google for its fonts; we ask nobody. */
function withoutForeignFonts(payload: unknown): unknown {
  if (typeof payload !== "string" || !payload.includes("fonts.googleapis.com")) return payload;
  return payload.replace(/<link href="https:\/\/fonts\.googleapis\.com[^>]*>/, "");
}

const NO_BUTTONS = { readOnlyMode: true, allowRetries: false };

/** What the page shows to viewers. That they change nothing is seen to elsewhere, see `access/`. */
function withoutButtons(payload: unknown): unknown {
  if (typeof payload !== "string" || !payload.startsWith('{"queues"')) return payload;
  const answer = JSON.parse(payload) as { queues: object[] };
  return JSON.stringify({ ...answer, queues: answer.queues.map((queue) => ({ ...queue, ...NO_BUTTONS })) });
}

/** Jobs removed in one step; a whole lane in one step would hold Redis up until its clients are refused. */
const SLICE = 1000;

/** The limiter that all workers have, see `queue/lane-workers.ts`. */
const UNREACHABLE_LIMIT = 1_000_000;

/** Empties and cleans in slices: BullMQ's own `drain` of a million jobs is one script. */
class LaneAdapter extends BullMQAdapter {
  /** A job that succeeded is never run again. */
  override readonly allowCompletedRetries = false;
  readonly #lane: Queue;

  constructor(lane: Lane, { queue }: BoardOptions) {
    const title = laneTitle(lane);
    super(queue(lane.name), {
      displayName: title,
      description: title === lane.name ? lane.chain : lane.name,
    });
    this.#lane = queue(lane.name);
    this.setFormatter("name", ({ data }: { data?: unknown }) => jobTitle(data));
  }

  override async empty(): Promise<void> {
    for (const state of ["wait", "prioritized"] as const) await this.#cleanInSlices(state, 0);
  }

  override async clean(state: Parameters<BullMQAdapter["clean"]>[0], graceMs: number): Promise<void> {
    await this.#cleanInSlices(state, graceMs);
  }

  /** The mere key of the workers' limiter would show every busy lane as rate-limited. */
  override async getActiveRateLimitTtl(): Promise<number> {
    const { max } = (await this.#lane.getGlobalRateLimit()) ?? { max: UNREACHABLE_LIMIT };
    return Math.max(0, await this.#lane.getRateLimitTtl(max));
  }

  /** Leaves alone what was added after it began, or it might never end. */
  async #cleanInSlices(state: Parameters<Queue["clean"]>[2], graceMs: number): Promise<void> {
    const startedAt = performance.now();
    let removed: string[];
    do {
      removed = await this.#lane.clean(graceMs + Math.ceil(performance.now() - startedAt), SLICE, state);
    } while (removed.length > 0);
  }
}

/** `ada: tweet`; every job of ours has the same name in BullMQ. Not ours: whatever somebody added by hand. */
function jobTitle(data: unknown): string {
  const { agentId, input } = (data ?? {}) as { agentId?: unknown; input?: { kind?: unknown } };
  return typeof agentId === "string" && typeof input?.kind === "string" ? `${agentId}: ${input.kind}` : "unknown job";
}
