/** What the benchmark tells its worker processes, and what they answer. */
export type Request =
  | {
      readonly do: "start";
      readonly redisPath: string;
      readonly baseUrl: string;
      readonly namespace: string;
      readonly concurrency: number;
    }
  | { readonly do: "stop" };

/** CPU of the process between start and stop, user and system. */
export type Reply = { readonly cpuMs: number } | { readonly started: true };

/** Queue of the bare processor. */
export const BARE_QUEUE = "bare";

export interface Contestant {
  start(request: Request & { do: "start" }): Promise<void>;
  stop(): Promise<void>;
}

/** Serves one contestant over the process channel. */
export function serve(contestant: Contestant): void {
  let startedAt = process.cpuUsage();
  process.on("message", (request: Request) => {
    void (async () => {
      if (request.do === "start") {
        startedAt = process.cpuUsage();
        await contestant.start(request);
        process.send?.({ started: true } satisfies Reply);
      } else {
        const { user, system } = process.cpuUsage(startedAt);
        await contestant.stop();
        process.send?.({ cpuMs: (user + system) / 1000 } satisfies Reply);
      }
    })();
  });
  process.on("disconnect", () => process.exit());
}
