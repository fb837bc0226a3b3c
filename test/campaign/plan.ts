import { seededRandom } from "../../src/providers/fake/seeded-random.ts";

/** How often each thing happens in a campaign. */
export interface Events {
  /** SIGKILL of a worker; another one is started in its place. */
  readonly kill: number;
  /** SIGSTOP of a worker, for 1 to 25 s. */
  readonly stop: number;
  /** SIGTERM of a worker that has a successor already: a rolling upgrade. */
  readonly restart: number;
  /** SIGKILL of Redis, which is started again within two seconds. */
  readonly redisKill: number;
  /** Nothing passes between workers and Redis. */
  readonly partition: number;
  /** For some seconds the provider fails four calls of ten. */
  readonly storm: number;
}

export interface PlannedEvent {
  readonly kind: keyof Events;
  /** What the event draws its own numbers from, 0 ≤ x < 1. */
  readonly draw: number;
  /** Pause after it, ms. */
  readonly pauseMs: number;
}

/**
 * In an order, and with pauses, that follow from the seed alone.
 * @param meanPauseMs of the pauses, which are exponentially distributed: two events may come at once
 */
export function planEvents(
  events: Events,
  { seed, meanPauseMs }: { seed: string; meanPauseMs: number },
): PlannedEvent[] {
  const random = seededRandom("campaign", seed);
  const kinds = (Object.keys(events) as (keyof Events)[]).flatMap((kind) =>
    Array.from({ length: events[kind] }, () => kind),
  );
  return kinds
    .map((kind) => ({ kind, draw: random.next(), place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ kind, draw }) => ({ kind, draw, pauseMs: Math.round(-Math.log(1 - random.next()) * meanPauseMs) }));
}
