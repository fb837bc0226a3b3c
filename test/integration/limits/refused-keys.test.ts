import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { NORI } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type RecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

const CONCURRENCY = 4;
const PROCESSES = 2;
const JOBS = 40;
const PAUSE_SECONDS = 2;
const PROBES = 3;

/** Of the calls from the one at `first` on: ms since the one before. */
function gapsOf({ calls }: RecordedServer, first: number): number[] {
  return calls.slice(first).map(({ at }, index, all) => at - (all[index - 1]?.at ?? at));
}

/** @returns how many calls it took until each worker had made one */
async function callFromEach(fleet: WorkerFleet): Promise<number> {
  let calls = 0;
  while (fleet.attemptsByWorker().includes(0)) {
    await fleet.results(await fleet.enqueue(CONCURRENCY * PROCESSES, { name: `first-${calls}`, agent: "nori" }));
    calls += CONCURRENCY * PROCESSES;
  }
  return calls;
}

it.each([
  ["is refused", "openai/401-invalid-api-key.json"],
  ["has no money left", "openai/429-insufficient-quota.json"],
])(
  "a key that %s is tried with one call after each pause, by all processes together, until it works",
  async (...row) => {
    const account = { works: true };
    const refusal = recordedAnswer(row[1]);
    await using openai = await startRecordedServer(async () => {
      if (!account.works) return refusal;
      await sleep(20);
      return completionAnswer();
    });
    await using fleet = await startFleet({
      ...{ processes: PROCESSES, concurrency: CONCURRENCY, agents: [NORI], openai },
      settings: { pauseSeconds: PAUSE_SECONDS },
    });
    // A first call is late: its worker has to load the vendor's package.
    const before = await callFromEach(fleet);
    account.works = false;
    const ids = await fleet.enqueue(JOBS, { name: "job", agent: "nori" });
    const isProbe = (gapMs: number): boolean => gapMs >= PAUSE_SECONDS * 1000;
    await waitFor(() => gapsOf(openai, before).filter(isProbe).length >= PROBES, { timeoutMs: 40_000 });
    account.works = true;
    const gaps = gapsOf(openai, before);
    const foundOut = gaps.findIndex(isProbe);
    expect(foundOut, "as many as were under way").toBeLessThanOrEqual(PROCESSES * CONCURRENCY);
    expect(gaps.slice(foundOut), "and then one at a time").toEqual(gaps.filter(isProbe));
    const results = await fleet.results(ids);
    expect(results.filter(({ status }) => status === "failed")).toHaveLength(gaps.length);
    expect(results.filter(({ status }) => status === "succeeded")).toHaveLength(JOBS - gaps.length);
    await fleet.expectAccounted(before + JOBS);
  },
  90_000,
);
