import { expect, it } from "vitest";
import { ADA, NORI } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { startFleet, type WorkerFleet } from "../../support/worker-fleet.ts";

const OVERLOADED = recordedAnswer("openai/500-server-error.json");
/** Opens after five failures, for longer than the test. */
const SETTINGS = { breaker: { minCalls: 5, openSeconds: 3600 } };
const LANE = "openai~gpt-6-luna";

async function breakerOf(fleet: WorkerFleet): Promise<string> {
  return (await fleet.limitGroup("openai/"))["breaker"] ?? "closed";
}

it("while it is open no process calls: jobs go straight to their fall-back", async () => {
  await using openai = await startRecordedServer(OVERLOADED);
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  await using fleet = await startFleet({ openai, grok, agents: [ADA], settings: SETTINGS });
  await fleet.results(await fleet.enqueue(20, { name: "first", agent: "ada" }));
  expect(await breakerOf(fleet)).toBe("open");
  const calls = openai.calls.length;
  const results = await fleet.results(await fleet.enqueue(50, { name: "second", agent: "ada" }));
  for (const { attempts } of results) expect(attempts.map(({ provider }) => provider)).toEqual(["grok"]);
  expect(openai.calls.length, "calls while open").toBe(calls);
  const opened = fleet.logLines().filter(({ msg }) => String(msg).startsWith("circuit breaker open"));
  expect(opened, "one process has opened it, and says so").toMatchObject([{ alert: true }]);
  const health = JSON.parse((await fleet.cli("health", "--json")).stdout) as Readonly<Record<string, unknown>>;
  expect(JSON.stringify(health)).toContain('"circuit-open"');
  await fleet.expectAccounted(openai.calls.length + grok.calls.length);
});

it("without a fall-back jobs wait for one probe, uncalled and unharmed; when it succeeds everything drains", async () => {
  await using openai = await startRecordedServer(OVERLOADED);
  const settings = { breaker: { minCalls: 5, openSeconds: 1 }, retries: { attempts: 1 } };
  await using fleet = await startFleet({ openai, agents: [NORI], settings });
  const first = await fleet.results(await fleet.enqueue(5, { name: "first", agent: "nori" }));
  expect(new Set(first.map(({ status }) => status))).toEqual(new Set(["failed"]));
  const probe = Promise.withResolvers<void>();
  openai.answerWith(async () => await probe.promise.then(() => completionAnswer()), completionAnswer());
  const ids = await fleet.enqueue(20, { name: "second", agent: "nori" });
  await openai.seen(6);
  expect(await breakerOf(fleet)).toBe("half-open");
  // Everybody else has been told to come back.
  const lane = fleet.lane(LANE);
  await expect.poll(async () => await lane.getDelayedCount(), { timeout: 10_000 }).toBeGreaterThan(0);
  expect(openai.calls.length, "one probe").toBe(6);
  probe.resolve();
  for (const { status } of await fleet.results(ids)) expect(status).toBe("succeeded");
  expect(await breakerOf(fleet)).toBe("closed");
  await fleet.expectAccounted(25);
});
