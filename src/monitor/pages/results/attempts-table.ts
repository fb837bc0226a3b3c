import type { AttemptSummary } from "../../../job/generation-result.ts";
import type { Html } from "../../../platform/html.ts";
import { duration, integer, shortDuration } from "../../../platform/numbers.ts";
import type { JobState } from "../../../storage/job-state.ts";
import { clockMoment } from "../clock-moment.ts";
import { state, table, usd } from "../parts.ts";

type Attempt = Pick<
  AttemptSummary,
  "attempt" | "provider" | "model" | "request" | "outcome" | "durationMs" | "inputTokens" | "outputTokens"
> &
  Pick<AttemptSummary, "costMicroUsd" | "possiblyBilled" | "message"> & {
    readonly isOpen: boolean;
    /** Epoch ms; `null`: only the sums of it are kept. */
    readonly startedAt: number | null;
    readonly decision: string;
  };

function attemptsOf({ result, attempts, status }: JobState): Attempt[] {
  const told =
    result !== null
      ? result.attempts.map((attempt) => ({ ...attempt, startedAt: startOf(attempt, attempts), isOpen: false }))
      : attempts.map(({ usage, state: current, ...row }) => ({
          ...row,
          inputTokens: usage?.inputTokens ?? 0,
          outputTokens: usage?.outputTokens ?? 0,
          isOpen: current === "open",
        }));
  return told.map((attempt, index) => ({ ...attempt, decision: whatFollowed(attempt, told[index + 1], status) }));
}

/** Rows of attempts are kept while something may still be heard of them. */
function startOf({ attempt }: AttemptSummary, rows: JobState["attempts"]): number | null {
  return rows.find((row) => row.attempt === attempt)?.startedAt ?? null;
}

type Called = Pick<Attempt, "provider" | "model" | "request" | "outcome" | "isOpen">;

/** What was decided after an attempt, as the next one tells. */
function whatFollowed(attempt: Called, next: Called | undefined, status: JobState["status"]): string {
  if (attempt.isOpen) return "";
  if (next === undefined) return status;
  if (attempt.outcome === "succeeded") return `asked to ${next.request}`;
  const isSame = next.provider === attempt.provider && next.model === attempt.model;
  return isSame ? "tried again" : `failed over to ${next.provider}/${next.model}`;
}

/** Every call of a provider. */
export function attemptsTable(job: JobState, now: number): Html {
  return table<Attempt>({
    caption: "Attempts",
    rows: attemptsOf(job),
    empty: "Nobody was called.",
    columns: [
      { head: "Attempt", cell: ({ attempt }) => String(attempt) },
      { head: "Provider and model", cell: ({ provider, model }) => `${provider}/${model}` },
      { head: "Asked for", cell: ({ request }) => request },
      { head: "Outcome", cell: outcomeCell },
      { head: "Decision", cell: ({ decision }) => decision },
      {
        head: "Started",
        isNumber: true,
        cell: ({ startedAt }) => (startedAt === null ? "" : clockMoment(startedAt, now)),
      },
      { head: "Took", isNumber: true, cell: (attempt) => tookCell(attempt, now) },
      { head: "Tokens in", isNumber: true, cell: ({ inputTokens }) => integer(inputTokens) },
      { head: "Tokens out", isNumber: true, cell: ({ outputTokens }) => integer(outputTokens) },
      { head: "Cost", isNumber: true, cell: costOf },
      { head: "Error", isLong: true, cell: ({ message }) => message ?? "" },
    ],
  });
}

function tookCell({ durationMs, isOpen, startedAt }: Attempt, now: number): string {
  if (!isOpen) return shortDuration(durationMs);
  return startedAt === null ? "" : `for ${duration(Math.max(0, now - startedAt))}`;
}

function outcomeCell({ outcome, isOpen }: Attempt): Html {
  if (isOpen) return state("good", "under way");
  return state(outcome === "succeeded" ? "good" : "bad", outcome);
}

function costOf({ costMicroUsd, possiblyBilled, isOpen }: Attempt): string {
  if (isOpen) return "";
  return `${possiblyBilled ? "at most " : ""}${usd(costMicroUsd)}`;
}
