import { expect, it } from "vitest";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import { keyIdOf } from "../../../src/providers/registry.ts";
import { ADA, CLOSED_PORT_URL, NORI } from "../../support/generation-system.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer, type Answer } from "../../support/recorded-server.ts";
import { startFleet } from "../../support/worker-fleet.ts";

/** Its calls may take a second. */
const QUICK_ADA = { ...ADA, llm_config: { ...ADA.llm_config, timeout: 1 } };
const GROKS_ANSWER = completionAnswer({ text: "From Grok.", model: "grok-4.3" });

/** `openai timeout, grok succeeded` */
function attemptsOf({ attempts }: GenerationResult): string {
  return attempts.map(({ provider, outcome }) => `${provider} ${outcome}`).join(", ");
}

function times(count: number, attempt: string): string {
  return [...Array.from({ length: count }, () => attempt), "grok succeeded"].join(", ");
}

interface Failing {
  readonly answer: Answer;
  readonly outcome: string;
  /** Calls of OpenAI for one job that is scheduled. */
  readonly scheduled: number;
  /** The next job does not ask OpenAI at all: its key is left alone. */
  readonly pauses?: true;
}

it.each<[string, Failing]>([
  ["hangs", { answer: hang, outcome: "timeout", scheduled: 2 }],
  ["breaks", { answer: recordedAnswer("openai/500-server-error.json"), outcome: "overloaded", scheduled: 3 }],
  [
    "refuses the key",
    {
      ...{ answer: recordedAnswer("openai/401-invalid-api-key.json"), outcome: "authentication", scheduled: 1 },
      pauses: true,
    },
  ],
  [
    "is out of money",
    {
      ...{ answer: recordedAnswer("openai/429-insufficient-quota.json"), outcome: "quota-exhausted", scheduled: 1 },
      pauses: true,
    },
  ],
])(
  "the first provider %s: replies fail over after one call, others when its attempts are spent",
  async (_, failing) => {
    const { answer, outcome, scheduled, pauses = false } = failing;
    await using openai = await startRecordedServer(answer);
    await using grok = await startRecordedServer(GROKS_ANSWER);
    await using fleet = await startFleet({ processes: 1, openai, grok, agents: [QUICK_ADA] });
    const run = async (urgency: "reply" | "scheduled"): Promise<string[]> =>
      (await fleet.results(await fleet.enqueue(1, { name: urgency, agent: "ada", urgency }))).map(attemptsOf);
    expect(await run("scheduled")).toEqual([times(scheduled, `openai ${outcome}`)]);
    const ofReply = pauses ? 0 : 1;
    expect(await run("reply")).toEqual([times(ofReply, `openai ${outcome}`)]);
    expect([openai.calls.length, grok.calls.length]).toEqual([scheduled + ofReply, 2]);
    await fleet.expectAccounted(scheduled + ofReply + 2);
  },
);

it("nobody listens at the first provider: the same, and what was never sent costs nothing", async () => {
  await using grok = await startRecordedServer(GROKS_ANSWER);
  await using fleet = await startFleet({ processes: 1, openai: { baseUrl: CLOSED_PORT_URL }, grok, agents: [ADA] });
  const ids = [
    ...(await fleet.enqueue(1, { name: "scheduled", agent: "ada" })),
    ...(await fleet.enqueue(1, { name: "reply", agent: "ada", urgency: "reply" })),
  ];
  const results = await fleet.results(ids);
  expect(results.map(attemptsOf)).toEqual([times(3, "openai network"), times(1, "openai network")]);
  const failed = results.flatMap(({ attempts }) => attempts.filter(({ outcome }) => outcome === "network"));
  expect(failed.map(({ costMicroUsd }) => costMicroUsd)).toEqual([0, 0, 0, 0]);
  await fleet.expectAccounted(2);
});

it("after how many failures is a setting, by urgency", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/500-server-error.json"));
  await using grok = await startRecordedServer(GROKS_ANSWER);
  const failOverAfter = { reply: 2, scheduled: 1, bulk: 3 };
  const settings = { retries: { baseSeconds: 0.005, capSeconds: 0.02, failOverAfter } };
  await using fleet = await startFleet({ processes: 1, openai, grok, settings, agents: [ADA] });
  const runs = (["reply", "scheduled", "bulk"] as const).map(async (urgency) => {
    const results = await fleet.results(await fleet.enqueue(1, { name: urgency, agent: "ada", urgency }));
    expect(results.map(attemptsOf), urgency).toEqual([times(failOverAfter[urgency], "openai overloaded")]);
  });
  await Promise.all(runs);
  await fleet.expectAccounted(6 + 3);
});

const PROCESSES = 2;
const CONCURRENCY = 4;
const JOBS = 40;
const [REVOKED, LIMITED, GOOD] = ["sk-test-aaaaaaaaaaaaaaaa", "sk-test-bbbbbbbbbbbbbbbb", "sk-test-cccccccccccccccc"];

it.each([
  ["known", {}, CONCURRENCY * PROCESSES],
  // Then each key's first call is alone until its answer is there.
  ["not known", { limits: [] }, 1],
])("a pool of keys whose limits are %s: one is refused, one is limited, the third does the work", async (...row) => {
  const [, settings, most] = row;
  const answers: Readonly<Record<string, ReturnType<typeof recordedAnswer>>> = {
    [REVOKED]: recordedAnswer("openai/401-invalid-api-key.json"),
    [LIMITED]: limitedFor("60"),
  };
  const keyOf = (headers: { readonly authorization?: unknown }): string =>
    String(headers.authorization).replace("Bearer ", "");
  await using openai = await startRecordedServer(({ headers }) => answers[keyOf(headers)] ?? completionAnswer());
  const env = { OPENAI_API_KEY: "", OPENAI_API_KEYS: [REVOKED, LIMITED, GOOD].join(",") };
  const workers = { processes: PROCESSES, concurrency: CONCURRENCY, env };
  await using fleet = await startFleet({ ...workers, openai, settings, agents: [NORI] });
  const results = await fleet.results(await fleet.enqueue(JOBS, { name: "job", agent: "nori" }));

  expect(results.map(({ status }) => status)).toEqual(results.map(() => "succeeded"));
  const callsOf = (key: string): number => openai.calls.filter(({ headers }) => keyOf(headers) === key).length;
  expect(callsOf(GOOD)).toBe(JOBS);
  for (const key of [REVOKED, LIMITED]) {
    expect(callsOf(key)).toBeGreaterThanOrEqual(1);
    expect(callsOf(key), "those that were under way when the first was answered").toBeLessThanOrEqual(most);
  }
  const rows = await fleet.expectAccounted(openai.calls.length);
  const outcomes = new Set(rows.map(({ keyId, outcome }) => `${keyId} ${outcome}`));
  expect([...outcomes].sort()).toEqual(
    [`${keyIdOf(REVOKED)} authentication`, `${keyIdOf(LIMITED)} rate-limited`, `${keyIdOf(GOOD)} succeeded`].sort(),
  );
  for (const key of [REVOKED, LIMITED, GOOD]) for (const { stderr } of fleet.workers) expect(stderr).not.toContain(key);
});

function limitedFor(seconds: string): ReturnType<typeof recordedAnswer> {
  const { response } = recordedAnswer("openai/429-rate-limit-requests-20s.json");
  return { response: { ...response, headers: { ...response.headers, "retry-after": seconds } } };
}
