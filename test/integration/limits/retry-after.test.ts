import { expect, it } from "vitest";
import { NORI } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

const JOBS = 9;
/** One call, then two that wait for their slots within the second that slots are granted ahead. */
const WAITING = 2;
const LIMITS = [{ provider: "openai", requestsPerMinute: 130, burstSeconds: 0.46 }];
const RETRY_AFTER_MS = 2000;

function rateLimited(): RecordedAnswer {
  const { response } = recordedAnswer("openai/429-rate-limit-requests-20s.json");
  const body = { error: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" } };
  return { response: { ...response, headers: { ...response.headers, "retry-after": "2" }, body } };
}

async function granted(fleet: WorkerFleet): Promise<number> {
  return Number((await fleet.limitGroup("openai/gpt-6-luna"))["granted"] ?? 0);
}

it("Retry-After of one call stops all processes, those too that have a slot; nobody's attempt is spent", async () => {
  const fleetIsThere = Promise.withResolvers<WorkerFleet>();
  // Calls that had arrived when the refusal was sent.
  let refusedWith = 0;
  const refuse: Answer = async () => {
    const fleet = await fleetIsThere.promise;
    await waitFor(async () => (await granted(fleet)) > WAITING);
    refusedWith = openai.calls.length;
    return rateLimited();
  };
  await using openai = await startRecordedServer(refuse, completionAnswer());
  // One attempt only: whatever the wait spends would be the end of the job.
  const settings = { limits: LIMITS, retries: { attempts: 1 } };
  await using fleet = await startFleet({ processes: 3, openai, settings, agents: [NORI] });
  fleetIsThere.resolve(fleet);
  const results = await fleet.results(await fleet.enqueue(JOBS, { name: "job", agent: "nori" }));

  expect(results.map(({ status }) => status)).toEqual(results.map(() => "succeeded"));
  const failed = results.flatMap(({ attempts }) => attempts.filter(({ outcome }) => outcome !== "succeeded"));
  expect(failed.map(({ outcome, costMicroUsd }) => [outcome, costMicroUsd])).toEqual([["rate-limited", 0]]);
  const afterwards = openai.calls.slice(refusedWith);
  expect(openai.calls).toHaveLength(JOBS + 1);
  for (const { at } of afterwards) expect(at).toBeGreaterThanOrEqual((openai.calls[0]?.at ?? 0) + RETRY_AFTER_MS);
  await fleet.expectAccounted(JOBS + 1);
  expect(await granted(fleet), "grants that were not used are given back").toBe(JOBS + 1);
});
