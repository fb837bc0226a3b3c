import type { TerminalStatus } from "./generation-result.ts";

/** `paused`: none of its jobs is called for. `cancelled`: none will be. `done`: every row has its line. */
export type RunState = "running" | "paused" | "cancelled" | "done";

/** What a bulk run is about. */
export interface RunManifest {
  /** Ids of rows without one start with it. */
  readonly id: string;
  /** The input file, as it was given; `null`: there is none. */
  readonly input: string | null;
  /** The output file; `null`: there is none. */
  readonly output: string | null;
  /** For rows that name no agent. */
  readonly agent: string | null;
  /** Rows that are jobs; `null`: not known. */
  readonly total: number | null;
}

/** A bulk run as Redis knows it. */
export interface BulkRun extends RunManifest {
  readonly state: RunState;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Terminal records of its jobs. */
  readonly done: Readonly<Partial<Record<TerminalStatus, number>>>;
  /** Of those records; unknown prices are missing from it. */
  readonly costMicroUsd: number;
  /** Records whose cost is not known. */
  readonly unpriced: number;
  /** A process feeds it, and was heard of in the last seconds. */
  readonly isFed: boolean;
  /** Epoch ms at which it will be done at the rate of the time since it was fed last; `null`: nobody can tell. */
  readonly etaAt: number | null;
}

export function doneOf({ done }: Pick<BulkRun, "done">): number {
  return Object.values(done).reduce((sum, count) => sum + count, 0);
}

/** It is not over: jobs of it may still be worked off. */
export function isOpen({ state }: Pick<BulkRun, "state">): boolean {
  return state === "running" || state === "paused";
}

export function failedOf({ done }: Pick<BulkRun, "done">): number {
  return (done.failed ?? 0) + (done.expired ?? 0);
}
