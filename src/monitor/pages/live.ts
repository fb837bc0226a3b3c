import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { sleep } from "../../platform/clock.ts";
import type { Role } from "../access/roles.ts";
import { answerOf } from "../errors.ts";
import type { MonitorSystem } from "../system.ts";

/** The main part of a page by its address, path and query; `null`: there is no such page. */
export type RenderPage = (address: string, role: Role) => (() => Promise<string>) | null;

/** Between two looks at the same page. */
const EVERY_MS = 2000;
/** The browser opens it anew by itself, and is asked again who it is. */
const LONGEST_MS = 10 * 60_000;

/**
 * `GET /live?page=/usage%3Fdays%3D7`: server-sent events. Each look at the page is one: `message` with its main part when
 * it has changed, `same` when it has not, `trouble` with the reason when there was none to be had. Data are JSON strings.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function registerLive(server: FastifyInstance, renderPage: RenderPage, { redis }: MonitorSystem): void {
  const streams = createPlaces();
  server.get("/live", async (request, reply) => {
    const { page } = request.query as { page?: unknown };
    const role = request.role ?? "viewer";
    const render = renderPage(typeof page === "string" ? page : "", role);
    if (render === null) return await reply.status(404).send({ error: "page: there is no such page" });
    if (!streams.enter(request.ip)) {
      return await reply.status(503).send({ error: "too many pages follow already; this one asks instead" });
    }
    const look = async (): Promise<Look> =>
      await render().then(
        (main) => ({ main }),
        (error: unknown) => ({ trouble: answerOf(error, redis).error }),
      );
    const over = new AbortController();
    request.raw.once("close", () => over.abort());
    reply.raw.once("close", () => {
      over.abort();
      streams.leave(request.ip);
    });
    return await reply
      .header("cache-control", "no-store")
      .header("x-accel-buffering", "no")
      .type("text/event-stream")
      .send(Readable.from(events(look, over.signal)));
  });
}

/** Whoever finds none follows by asking. */
const MOST_STREAMS = 200;
const MOST_STREAMS_PER_ADDRESS = 40;

function createPlaces() {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    /** @returns false: there is no room */
    enter(address: string): boolean {
      const own = taken.get(address) ?? 0;
      if (all >= MOST_STREAMS || own >= MOST_STREAMS_PER_ADDRESS) return false;
      taken.set(address, own + 1);
      all += 1;
      return true;
    },
    leave(address: string): void {
      const own = (taken.get(address) ?? 1) - 1;
      if (own === 0) taken.delete(address);
      else taken.set(address, own);
      all -= 1;
    },
  };
}

type Look = { readonly main: string } | { readonly trouble: string };

async function* events(look: () => Promise<Look>, signal: AbortSignal): AsyncGenerator<string> {
  const startedMs = performance.now();
  let last: string | null = null;
  while (!signal.aborted && performance.now() - startedMs < LONGEST_MS) {
    const seen = await look();
    if ("trouble" in seen) {
      yield `event: trouble\ndata: ${JSON.stringify(seen.trouble)}\n\n`;
    } else if (seen.main === last) {
      // The page counts how long ago the last good look was.
      yield 'event: same\ndata: ""\n\n';
    } else {
      yield `data: ${JSON.stringify(seen.main)}\n\n`;
      last = seen.main;
    }
    await sleep(EVERY_MS, signal);
  }
}
