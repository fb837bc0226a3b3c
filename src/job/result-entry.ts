import type { GenerationResult, TerminalStatus } from "./generation-result.ts";
import type { JobKind } from "./generation-job.ts";

/** What the index of results says of a terminal record. */
export interface ResultEntry {
  readonly jobId: string;
  readonly agentId: string;
  readonly kind: JobKind;
  readonly status: TerminalStatus;
  /** Epoch ms, as in the record. */
  readonly finishedAt: number;
}

/** None of the parts has a space in it. */
export function formatResultEntry({ id, agentId, kind, status, finishedAt }: GenerationResult): string {
  return [id, agentId, kind, status, finishedAt].join(" ");
}

export function parseResultEntry(entry: string): ResultEntry {
  const [jobId = "", agentId = "", kind, status, finishedAt] = entry.split(" ");
  return {
    ...{ jobId, agentId, finishedAt: Number(finishedAt) },
    ...{ kind: kind as JobKind, status: status as TerminalStatus },
  };
}
