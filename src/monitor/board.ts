import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import type { Queue } from "bullmq";
import type { FastifyInstance } from "fastify";
import type { Lane } from "../queue/lane.ts";

export interface BoardOptions {
  /** All lanes that there are now; asked again whenever the page asks for its queues. */
  readonly lanes: () => Promise<readonly Lane[]>;
  readonly queue: (laneName: string) => Queue;
  /** Whether its buttons do anything. */
  readonly readOnly: boolean;
}

export const BOARD_PATH = "/board";

/** Bull Board with a queue per lane; new lanes appear without a restart. */
export async function registerBoard(server: FastifyInstance, { lanes, queue, readOnly }: BoardOptions): Promise<void> {
  const adapter = new FastifyAdapter();
  const uiConfig = { boardTitle: "Puppet Engine", hideDocsLink: true, sortQueues: true };
  const board = createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig } });
  const shown = new Set<string>();
  const showNewLanes = async (): Promise<void> => {
    for (const { name, chain } of await lanes()) {
      if (shown.has(name)) continue;
      shown.add(name);
      board.addQueue(new LaneAdapter(queue(name), { readOnlyMode: readOnly, displayName: chain, description: name }));
    }
  };
  adapter.setBasePath(BOARD_PATH);
  await server.register(
    async (scope) => {
      scope.addHook("onRequest", async (request, reply) => {
        if (readOnly && request.method !== "GET") {
          return await reply.status(403).send({ error: "Bull Board is read-only; `--writable` opens it" });
        }
        if (request.url.includes("/api/queues") || request.url === BOARD_PATH) await showNewLanes();
      });
      scope.addHook("onSend", async (_request, _reply, payload) => withoutForeignFonts(payload));
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

/** Jobs removed in one step; a whole lane in one step would hold Redis up until its clients are refused. */
const SLICE = 1000;

/** Empties and cleans in slices: BullMQ's own `drain` of a million jobs is one script. */
class LaneAdapter extends BullMQAdapter {
  readonly #lane: Queue;

  constructor(lane: Queue, options: ConstructorParameters<typeof BullMQAdapter>[1]) {
    super(lane, options);
    this.#lane = lane;
  }

  override async empty(): Promise<void> {
    for (const state of ["wait", "prioritized"] as const) await this.#cleanInSlices(state, 0);
  }

  override async clean(state: Parameters<BullMQAdapter["clean"]>[0], graceMs: number): Promise<void> {
    await this.#cleanInSlices(state, graceMs);
  }

  async #cleanInSlices(state: Parameters<Queue["clean"]>[2], graceMs: number): Promise<void> {
    for (;;) {
      const removed = await this.#lane.clean(graceMs, SLICE, state);
      if (removed.length < SLICE) return;
    }
  }
}
