import type { FaultSystem } from "../support/faults/fault-system.ts";
import type { RunningProgram } from "../support/run-cli.ts";

/** Workers, each of which is replaced when it goes. */
export interface Fleet {
  /** One of those that run, chosen by `draw` (0 ≤ x < 1). Its successor is on its way already. */
  take(draw: number): Promise<RunningProgram>;
  /** One of those that run, and stays. */
  peek(draw: number): RunningProgram | undefined;
  /** Resolves when all successors take jobs. */
  settled(): Promise<void>;
  /** Ends all in good order. @returns the exit codes that were not 0 */
  stop(): Promise<(number | null)[]>;
}

export async function startFleet(system: FaultSystem, size: number): Promise<Fleet> {
  const running: RunningProgram[] = [];
  const starting = new Set<Promise<void>>();
  const startOne = async (): Promise<void> => {
    // Who is started while Redis is away ends with 5 and says so; a supervisor would start it again.
    const worker = await system.startWorker().catch(() => null);
    if (worker === null) await startOne();
    else running.push(worker);
  };
  const start = (): Promise<void> => {
    const started = startOne();
    starting.add(started);
    return started.finally(() => starting.delete(started));
  };
  const indexOf = (draw: number): number => Math.floor(draw * running.length);
  await Promise.all(Array.from({ length: size }, start));
  return {
    async take(draw) {
      // Those who are started while Redis is away cannot say that they are ready; one is left to work.
      while (running.length < 2 && starting.size > 0) await Promise.race(starting);
      const [taken] = running.splice(indexOf(draw), 1);
      if (taken === undefined) throw new Error("no worker is left");
      void start();
      return taken;
    },
    peek: (draw) => running[indexOf(draw)],
    async settled() {
      while (starting.size > 0) await Promise.all(starting);
    },
    async stop() {
      for (const worker of running) worker.signal("SIGTERM");
      const ends = await Promise.all(running.map(async ({ ended }) => (await ended).code));
      return ends.filter((code) => code !== 0);
    },
  };
}
