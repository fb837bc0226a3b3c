import { expect, it } from "vitest";
import { NORI } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { startFleet } from "../../support/worker-fleet.ts";

const CONCURRENCY = 4;
const PROCESSES = 2;
const JOBS = 40;
const PAUSE_SECONDS = 1.5;
const PROBES = 3;

/** Of the calls: ms since the one before. */
function gapsOf({ calls }: RecordedServer): number[] {
  return calls.map(({ at }, index) => at - (calls[index - 1]?.at ?? at));
}

it.each([
  ["is refused", "openai/401-invalid-api-key.json"],
  ["has no money left", "openai/429-insufficient-quota.json"],
])(
  "a key that %s is tried with one call after each pause, by all processes together, until it works",
  async (...row) => {
    const account = { works: false };
    const refusal = recordedAnswer(row[1]);
    await using openai = await startRecordedServer(() => (account.works ? completionAnswer() : refusal));
    await using fleet = await startFleet({
      ...{ processes: PROCESSES, concurrency: CONCURRENCY, agents: [NORI], openai },
      settings: { pauseSeconds: PAUSE_SECONDS },
    });
    const ids = await fleet.enqueue(JOBS, { name: "job", agent: "nori" });
    const isProbe = (gapMs: number): boolean => gapMs >= PAUSE_SECONDS * 1000;
    await waitFor(() => gapsOf(openai).filter(isProbe).length >= PROBES, { timeoutMs: 20_000 });
    account.works = true;
    const gaps = gapsOf(openai);
    const foundOut = gaps.findIndex(isProbe);
    expect(foundOut, "as many as were under way").toBeLessThanOrEqual(PROCESSES * CONCURRENCY);
    expect(gaps.slice(foundOut), "and then one at a time").toEqual(gaps.filter(isProbe));
    const results = await fleet.results(ids);
    expect(results.filter(({ status }) => status === "failed")).toHaveLength(gaps.length);
    expect(results.filter(({ status }) => status === "succeeded")).toHaveLength(JOBS - gaps.length);
    await fleet.expectAccounted(JOBS);
  },
);
