import { expect, it } from "vitest";
import { createEpochWatch } from "../../../src/admission/epoch-watch.ts";
import type { Admission, AdmitReply, CallReport } from "../../../src/admission/admission.ts";
import {
  POLICY,
  TARGET,
  admissionOf,
  admitRequestOf,
  failedRow,
  openNamespace,
  reportOf,
  settlementOf,
  succeededRow,
  type TestNamespace,
} from "../../support/attempts.ts";

/** Opens at half of ten calls; nobody waits for its end here: tests move it. */
const POLICY_OF_TEN = { ...POLICY, breaker: { failureShare: 0.5, minCalls: 10, windowMs: 60_000, openMs: 30_000 } };

function gateOf(at: TestNamespace, workerId = "worker-1"): Admission {
  return admissionOf(at.redis, at.namespace, { workerId, policy: POLICY_OF_TEN });
}

let jobs = 0;
const newId = (): string => `job-${++jobs}`;

async function ask(gate: Admission): Promise<AdmitReply> {
  return await gate.admit(admitRequestOf(newId()));
}

async function end(gate: Admission, grant: AdmitReply, health: CallReport["health"]): Promise<boolean> {
  if (grant.answer !== "granted") throw new Error(`got ${JSON.stringify(grant)}; expected granted`);
  const row = health === "good" ? succeededRow(grant.intent) : failedRow(grant.intent);
  return (await gate.settle(settlementOf(row, { report: reportOf(grant, { health }) }))).hasOpenedBreaker;
}

/** One call after the other. */
async function calls(gate: Admission, ...healths: readonly CallReport["health"][]): Promise<void> {
  for (const health of healths) await end(gate, await ask(gate), health);
}

const times = (count: number, health: CallReport["health"]): CallReport["health"][] =>
  Array.from({ length: count }, () => health);

async function stateOf({ redis, keys }: TestNamespace): Promise<string> {
  return (await redis.hget(keys.limitGroup(TARGET.limitGroup), "breaker")) ?? "closed";
}

/** As if the time that it stays open, or that its probe may take, had passed. */
async function passTime({ redis, keys }: TestNamespace): Promise<void> {
  await redis.hset(keys.limitGroup(TARGET.limitGroup), "breakerUntil", 1);
}

async function opened(at: TestNamespace): Promise<Admission> {
  const gate = gateOf(at);
  await calls(gate, ...times(10, "bad"));
  expect(await stateOf(at)).toBe("open");
  return gate;
}

it.each([
  ["nine failures of nine", times(9, "bad"), "closed"],
  ["ten of ten", times(10, "bad"), "open"],
  ["five of ten", [...times(5, "good"), ...times(5, "bad")], "open"],
  ["four of ten", [...times(6, "good"), ...times(4, "bad")], "closed"],
  ["a success as the tenth call decides nothing", [...times(9, "bad"), "good" as const], "closed"],
  ["what says nothing about health does not count", [...times(9, "bad"), ...times(20, "neutral")], "closed"],
])("%s", async (_, healths, expected) => {
  await using at = await openNamespace();
  await calls(gateOf(at), ...healths);
  expect(await stateOf(at)).toBe(expected);
});

it.each([
  ["that are older than the window do not count", 6, "closed"],
  ["of the last parts of the window count", 5, "open"],
])("failures %s", async (_, parts, expected) => {
  await using at = await openNamespace();
  const gate = gateOf(at);
  await calls(gate, ...times(9, "bad"));
  // As if a sixth of the window had passed so often.
  await at.redis.hincrby(at.keys.limitGroup(TARGET.limitGroup), "windowPart", -parts);
  await calls(gate, "bad");
  expect(await stateOf(at)).toBe(expected);
});

it("while it is open nobody calls, in any process, and everybody is told until when", async () => {
  await using at = await openNamespace();
  await opened(at);
  const replies = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(gateOf(at, `worker-${index}`))));
  for (const reply of replies) {
    expect(reply).toMatchObject({ answer: "unavailable", why: "circuit-open" });
    if (reply.answer === "unavailable") expect(reply.forMs).toBeGreaterThan(10_000);
  }
});

it("the call that opens it says so, no other does", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at);
  const grants = await Promise.all(Array.from({ length: 12 }, () => ask(gate)));
  const told: boolean[] = [];
  for (const grant of grants) told.push(await end(gate, grant, "bad"));
  expect(told).toEqual([...Array.from({ length: 9 }, () => false), true, false, false]);
});

it("another limit group is not concerned", async () => {
  await using at = await openNamespace();
  const gate = await opened(at);
  const targets = [{ limitGroup: "grok/grok-4.3", credential: "grok#5e6f7a8b" }];
  expect((await gate.admit(admitRequestOf(newId(), { targets }))).answer).toBe("granted");
});

it("after that one probe is let through, of many that ask at once", async () => {
  await using at = await openNamespace();
  await opened(at);
  await passTime(at);
  const replies = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(gateOf(at, `worker-${index}`))));
  expect(replies.filter(({ answer }) => answer === "granted")).toHaveLength(1);
  expect(await stateOf(at)).toBe("half-open");
});

it("a probe that fails opens it again", async () => {
  await using at = await openNamespace();
  const gate = await opened(at);
  await passTime(at);
  await calls(gate, "bad");
  expect(await stateOf(at)).toBe("open");
  expect(await ask(gate)).toMatchObject({ why: "circuit-open" });
});

it("a probe that says nothing leaves the next one to the next call", async () => {
  await using at = await openNamespace();
  const gate = await opened(at);
  await passTime(at);
  await calls(gate, "neutral");
  expect(await stateOf(at)).toBe("half-open");
  expect((await ask(gate)).answer).toBe("granted");
});

it("a probe whose worker died is replaced when its time is over", async () => {
  await using at = await openNamespace();
  const gate = await opened(at);
  await passTime(at);
  const lost = await ask(gate);
  expect(lost.answer).toBe("granted");
  expect(await ask(gate)).toMatchObject({ why: "circuit-open" });
  await passTime(at);
  const second = await ask(gate);
  expect(second.answer).toBe("granted");
  await end(gate, lost, "bad");
  expect(await stateOf(at), "the lost one has nothing to say any more").toBe("half-open");
  await end(gate, second, "good");
  expect(await stateOf(at)).toBe("ramp");
});

it("a probe that is withdrawn is replaced at once", async () => {
  await using at = await openNamespace();
  const gate = await opened(at);
  await passTime(at);
  const probe = await ask(gate);
  if (probe.answer !== "granted") throw new Error(probe.answer);
  await gate.withdraw(probe);
  expect((await ask(gate)).answer).toBe("granted");
});

it("then a ramp: twice as many calls as have succeeded, until ten have, and then as many as wanted", async () => {
  await using at = await openNamespace();
  const gate = await opened(at);
  await passTime(at);
  await calls(gate, "good");
  let succeeded = 1;
  for (const expected of [2, 4]) {
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(gate)));
    const grants = replies.filter(({ answer }) => answer === "granted");
    expect(grants).toHaveLength(expected);
    for (const grant of grants) await end(gate, grant, "good");
    succeeded += grants.length;
  }
  expect(succeeded).toBe(7);
  expect(await stateOf(at)).toBe("ramp");
  await calls(gate, ...times(3, "good"));
  expect(await stateOf(at)).toBe("closed");
  const replies = await Promise.all(Array.from({ length: 50 }, () => ask(gate)));
  expect(new Set(replies.map(({ answer }) => answer))).toEqual(new Set(["granted"]));
});

it("a ramp of which half fails opens it again", async () => {
  await using at = await openNamespace();
  const gate = await opened(at);
  await passTime(at);
  await calls(gate, "good", "bad");
  expect(await stateOf(at)).toBe("open");
});

it("calls that were granted before it opened do not count in the ramp", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at);
  const old = await ask(gate);
  await calls(gate, ...times(10, "bad"));
  await passTime(at);
  await calls(gate, "good");
  await end(gate, old, "bad");
  expect(await stateOf(at)).toBe("ramp");
});

it("opening wakes those who wait for a slot there, and no others", async () => {
  await using at = await openNamespace();
  const watch = createEpochWatch();
  const subscriber = at.redis.duplicate();
  subscriber.on("message", (_, message: string) => watch.onMessage(message));
  await subscriber.subscribe(at.keys.epochsChannel);
  const woken: string[] = [];
  const waiterOf = (limitGroup: string) => ({
    ...{ limitGroup, credential: limitGroup, epoch: 0 },
    onOutdated: () => void woken.push(limitGroup),
  });
  watch.add(waiterOf("grok/grok-4.3"));
  watch.add(waiterOf(TARGET.limitGroup));
  await opened(at);
  await expect.poll(() => woken).toEqual([TARGET.limitGroup]);
  expect(watch.add(waiterOf(TARGET.limitGroup)), "who comes later is told at once").toBe(false);
  subscriber.disconnect();
});
