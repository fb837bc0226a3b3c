import { expect, it } from "vitest";
import { ADA, CLOSED_PORT_URL, NORI } from "../../support/generation-system.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer, type RecordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer, type SeenCall } from "../../support/recorded-server.ts";
import { startFleet } from "../../support/worker-fleet.ts";

const IMPATIENT = { ...ADA, llm_config: { ...ADA.llm_config, timeout: 1 } };
const ERROR_500 = recordedAnswer("openai/500-server-error.json");

it.each<[string, Answer, { reply: number; scheduled: number }]>([
  ["500", ERROR_500, { reply: 1, scheduled: 3 }],
  ["hangs", hang, { reply: 1, scheduled: 2 }],
  ["401", recordedAnswer("openai/401-invalid-api-key.json"), { reply: 1, scheduled: 1 }],
  ["out of money", recordedAnswer("openai/429-insufficient-quota.json"), { reply: 1, scheduled: 1 }],
])("%s: replies fail over after the first failure, other jobs when retries are spent", async (_, answer, expected) => {
  for (const urgency of ["reply", "scheduled"] as const) {
    await using openai = await startRecordedServer(answer);
    await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
    await using fleet = await startFleet({ processes: 1, openai, grok, agents: [IMPATIENT] });
    const [result] = await fleet.results(await fleet.enqueue(1, { name: urgency, agent: "ada", urgency }));
    expect(result).toMatchObject({ status: "succeeded", provider: "grok" });
    expect([openai.calls.length, grok.calls.length]).toEqual([expected[urgency], 1]);
    await fleet.expectAccounted(expected[urgency] + 1);
  }
});

it("a refused connection was never seen: nothing is billed, and the reply comes from the fall-back", async () => {
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  await using fleet = await startFleet({ processes: 1, openai: { baseUrl: CLOSED_PORT_URL }, grok, agents: [ADA] });
  const [result] = await fleet.results(await fleet.enqueue(1, { name: "reply", agent: "ada", urgency: "reply" }));
  expect(result?.attempts.map(({ outcome }) => outcome)).toEqual(["network", "succeeded"]);
  await fleet.expectAccounted(1);
});

it("when replies fail over is configurable", async () => {
  await using openai = await startRecordedServer(ERROR_500);
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  const retries = { baseSeconds: 0.005, capSeconds: 0.02, failOverAfter: { reply: 2, scheduled: 1, bulk: 3 } };
  await using fleet = await startFleet({ processes: 1, openai, grok, agents: [ADA], settings: { retries } });
  await fleet.results(await fleet.enqueue(1, { name: "reply", agent: "ada", urgency: "reply" }));
  expect(openai.calls.length).toBe(2);
  await fleet.results(await fleet.enqueue(1, { name: "scheduled", agent: "ada", urgency: "scheduled" }));
  expect(openai.calls.length).toBe(3);
});

const KEYS = ["sk-test-aaaaaaaaaaaaaaaa", "sk-test-bbbbbbbbbbbbbbbb", "sk-test-cccccccccccccccc"] as const;

function keyOf({ headers }: SeenCall): string {
  return String(headers["authorization"]).replace("Bearer ", "");
}

it("a pool of keys: one that is refused is retired, one that is limited cools down, the third does the work", async () => {
  const limited = recordedAnswer("openai/429-rate-limit-requests-20s.json");
  const cooling: RecordedAnswer = {
    response: { ...limited.response, headers: { ...limited.response.headers, "retry-after": "600" } },
  };
  const answers: Readonly<Record<string, RecordedAnswer>> = {
    [KEYS[0]]: recordedAnswer("openai/401-invalid-api-key.json"),
    [KEYS[1]]: cooling,
    [KEYS[2]]: completionAnswer(),
  };
  await using openai = await startRecordedServer((call) => answers[keyOf(call)]);
  const env = { OPENAI_API_KEY: KEYS[0], OPENAI_API_KEYS: KEYS.slice(1).join(",") };
  // One at a time: the first calls of all jobs would otherwise go to all keys together.
  await using fleet = await startFleet({ processes: 2, concurrency: 1, openai, agents: [NORI], env });
  const results = await fleet.results(await fleet.enqueue(30, { name: "job", agent: "nori" }));
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["succeeded"]));
  const calls = Map.groupBy(openai.calls, keyOf);
  expect(calls.get(KEYS[2])).toHaveLength(30);
  for (const key of KEYS.slice(0, 2)) {
    expect(calls.get(key)?.length, "known to both processes from the first answer on").toBeLessThanOrEqual(2);
  }
  const rows = await fleet.expectAccounted(openai.calls.length);
  expect(new Set(rows.map(({ keyId }) => keyId)).size).toBe(3);
  for (const key of KEYS) expect(JSON.stringify(rows)).not.toContain(key);
});
