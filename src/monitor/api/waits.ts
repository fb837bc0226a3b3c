import type { FastifyReply } from "fastify";
import { sleep } from "../../platform/clock.ts";

/** A request while it waits for a result. Disposing it makes room for others. */
export interface Wait extends Disposable {
  /** Fires when the client has left or the server closes. */
  readonly signal: AbortSignal;
}

/** The requests of this process that wait. */
export interface Waits {
  /** Viewers, who only look, get half of the places. @throws TooManyWaitsError */
  enter(reply: Pick<FastifyReply, "raw" | "request">): Wait;
  /** Ends all waits. Resolves when each request has been answered with what there is, or takes too long for that. */
  endAll(): Promise<void>;
}

export class TooManyWaitsError extends Error {
  override readonly name = "TooManyWaitsError";
  readonly retryAfterSeconds = 1;

  constructor(most: number) {
    super(
      `${most} requests wait already, and no more may: come back later, or ask without waitSeconds; ` +
        "monitor.waitingRequests in the configuration file sets that",
    );
  }
}

/** So long a server that closes waits for the last answers. */
const LONGEST_END_MS = 1000;

export function createWaits(most: number): Waits {
  const waiting = new Set<AbortController>();
  const allEnded = new AbortController();
  let isEnding = false;
  return {
    enter({ raw, request }) {
      const places = request.role === "operator" ? most : Math.ceil(most / 2);
      if (waiting.size >= places) throw new TooManyWaitsError(most);
      const controller = new AbortController();
      const end = (): void => controller.abort();
      waiting.add(controller);
      // Of the connection: the answer is not sent while somebody waits.
      raw.once("close", end);
      if (raw.destroyed) end();
      return {
        signal: controller.signal,
        [Symbol.dispose]() {
          waiting.delete(controller);
          raw.off("close", end);
          if (isEnding && waiting.size === 0) allEnded.abort();
        },
      };
    },
    async endAll() {
      isEnding = true;
      if (waiting.size === 0) return;
      for (const controller of waiting) controller.abort();
      await sleep(LONGEST_END_MS, allEnded.signal);
    },
  };
}
