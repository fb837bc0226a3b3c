import { expect, it } from "vitest";
import { sweep } from "../../../src/admission/sweeper.ts";
import type { BudgetRules } from "../../../src/admission/limit-policy.ts";
import type { Admission, AdmitReply } from "../../../src/admission/admission.ts";
import { readHealth } from "../../../src/storage/health-report.ts";
import { dayOf } from "../../../src/job/usage-counters.ts";
import {
  POLICY,
  RETENTION,
  admissionOf,
  admitRequestOf,
  intentOf,
  openNamespace,
  reportOf,
  settlementOf,
  succeededRow,
  type TestNamespace,
} from "../../support/attempts.ts";

function gateOf({ redis, namespace }: TestNamespace, budgets: Partial<BudgetRules>): Admission {
  return admissionOf(redis, namespace, { policy: { ...POLICY, budgets: { ...POLICY.budgets, ...budgets } } });
}

/** Asks for a call that will probably cost 100 micro-USD. */
async function ask(gate: Admission, id: string, changes: { agentId?: string; provider?: string } = {}) {
  return await gate.admit(admitRequestOf(id, { intent: intentOf(id, 1, { reservedMicroUsd: 100, ...changes }) }));
}

async function pay(gate: Admission, grant: AdmitReply, costMicroUsd: number | null): Promise<void> {
  if (grant.answer !== "granted") throw new Error(`got ${JSON.stringify(grant)}; expected granted`);
  const row = succeededRow(grant.intent, { costMicroUsd });
  await gate.settle(settlementOf(row, { report: reportOf(grant) }));
}

async function spending({ redis, keys }: TestNamespace): Promise<Record<string, string>> {
  const fields = Object.entries(await redis.hgetall(keys.spending(dayOf(intentOf("a").startedAt))));
  return Object.fromEntries(fields.filter(([name, value]) => value !== "0" && !/^(warned|refused)/.test(name)));
}

it.each([
  ["global", { globalMicroUsd: 1000 }],
  ["provider openai", { providersMicroUsd: new Map([["openai", 1000]]) }],
  ["agent ada", { agentMicroUsd: 1000 }],
  ["agent ada", { agentMicroUsd: 5, agentsMicroUsd: new Map([["ada", 1000]]) }],
] as const)(
  "%s: of fifty parallel jobs as many are let through as fit, and the budget is not overrun",
  async (name, rules) => {
    await using at = await openNamespace();
    const gate = gateOf(at, rules);
    const replies = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(gate, `job-${index}`)));
    const grants = replies.filter(({ answer }) => answer === "granted");
    expect(grants).toHaveLength(10);
    for (const reply of replies.filter((other) => other.answer !== "granted")) {
      expect(reply, "some of it may come back").toMatchObject({
        answer: "unavailable",
        why: "budget-reserved",
        detail: name.replace(" ", "|"),
      });
    }
    // They turn out a tenth cheaper: one more fits.
    for (const grant of grants) await pay(gate, grant, 90);
    await pay(gate, await ask(gate, "eleventh"), 100);
    expect(await ask(gate, "twelfth")).toEqual({
      answer: "refused",
      why: "budget",
      detail: `the budget of today (UTC) is used up: ${name}, 0.001 of 0.001 USD spent`,
      usedUp: { name, usedMicroUsd: 1000, limitMicroUsd: 1000, isUsedUp: true },
    });
    expect(await ask(gate, "thirteenth"), "an alert once a day").not.toHaveProperty("usedUp");
  },
);

it("others are not concerned: another agent, another provider", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at, {
    agentsMicroUsd: new Map([["ada", 100]]),
    providersMicroUsd: new Map([["grok", 100]]),
  });
  await pay(gate, await ask(gate, "a"), 100);
  expect(await ask(gate, "b")).toMatchObject({ answer: "refused" });
  expect((await ask(gate, "c", { agentId: "nori" })).answer).toBe("granted");
  await pay(gate, await ask(gate, "d", { agentId: "nori", provider: "grok" }), 100);
  expect(await ask(gate, "e", { agentId: "echo", provider: "grok" })).toMatchObject({
    answer: "refused",
    detail: expect.stringContaining("provider grok"),
  });
  expect((await ask(gate, "f", { agentId: "echo" })).answer).toBe("granted");
});

it("what is held becomes what was spent, to the picodollar", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at, { globalMicroUsd: 1000 });
  const grant = await ask(gate, "a");
  expect(await spending(at)).toEqual({
    "held|global": "100000000",
    "held|provider|openai": "100000000",
    "held|agent|ada": "100000000",
  });
  await pay(gate, grant, 7.123456);
  expect(await spending(at)).toEqual({ global: "7123456", "provider|openai": "7123456", "agent|ada": "7123456" });
});

it("a withdrawn grant holds nothing", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at, { globalMicroUsd: 1000 });
  const grant = await ask(gate, "a");
  if (grant.answer !== "granted") throw new Error(grant.answer);
  await gate.withdraw(grant);
  expect(await spending(at)).toEqual({});
});

it("a crashed call is spent at its largest possible cost, until it speaks for itself", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at, { globalMicroUsd: 1000 });
  const grant = await ask(gate, "a");
  const { redis, namespace } = at;
  await sweep(["worker-1"], { redis, namespace, workerId: "w", retention: RETENTION, onOrphan: () => undefined });
  expect((await spending(at))["global"]).toBe("140500000");
  expect((await spending(at))["held|global"]).toBeUndefined();
  await pay(gate, grant, 7.1);
  expect(await spending(at)).toEqual({ global: "7100000", "provider|openai": "7100000", "agent|ada": "7100000" });
});

it("warns once a day of a budget that passes its share", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at, { globalMicroUsd: 1000, agentMicroUsd: 500 });
  const told: string[] = [];
  for (let index = 0; index < 5; index++) {
    const grant = await ask(gate, `job-${index}`);
    if (grant.answer === "granted")
      told.push(
        ...grant.budgetWarnings.map(
          ({ name, usedMicroUsd, limitMicroUsd }) => `${index} ${name} ${usedMicroUsd}/${limitMicroUsd}`,
        ),
      );
    await pay(gate, grant, 100);
  }
  expect(told).toEqual(["3 agent ada 400/500"]);
});

it("an unknown price holds nothing and is let through, or refused if the operator wants it so", async () => {
  await using at = await openNamespace();
  const intent = intentOf("a", 1, { costMicroUsd: null, model: "my-model" });
  const budgets = { globalMicroUsd: 1000 };
  expect(await gateOf(at, { ...budgets, unknownPrice: "refuse" }).admit(admitRequestOf("a", { intent }))).toEqual({
    answer: "refused",
    why: "budget",
    detail: 'the price of openai/my-model is not known and budgets.unknownPrice is "refuse": add it under "prices"',
  });
  expect((await gateOf(at, { unknownPrice: "refuse" }).admit(admitRequestOf("a", { intent }))).answer).toBe("granted");
  const other = { ...intent, jobId: "b", attemptId: "b.1" };
  expect((await gateOf(at, budgets).admit(admitRequestOf("b", { intent: other }))).answer).toBe("granted");
  expect(await spending(at)).toEqual({});
});

it("a call that would cost more than what is left of the budget is refused", async () => {
  await using at = await openNamespace();
  const gate = gateOf(at, { globalMicroUsd: 150 });
  await pay(gate, await ask(gate, "a"), 100);
  expect(await ask(gate, "b")).toMatchObject({ answer: "refused", why: "budget" });
});

it("a budget that is raised is used up no more, and tells it again when it is", async () => {
  await using at = await openNamespace();
  const isUsedUp = async (globalMicroUsd: number): Promise<boolean | undefined> => {
    const now = intentOf("a").startedAt;
    const budgets = { ...POLICY.budgets, globalMicroUsd };
    return (await readHealth(at.redis, at.namespace, { now, budgets })).budgets[0]?.isUsedUp;
  };
  const gate = gateOf(at, { globalMicroUsd: 150 });
  await pay(gate, await ask(gate, "a"), 100);
  expect(await isUsedUp(150), "nobody was refused").toBe(false);
  expect(await ask(gate, "b")).toHaveProperty("usedUp");
  expect([await isUsedUp(150), await isUsedUp(250)], "the rest is too little").toEqual([true, false]);
  const raised = gateOf(at, { globalMicroUsd: 250 });
  await pay(raised, await ask(raised, "c"), 100);
  expect(await ask(raised, "d")).toHaveProperty("usedUp");
  expect(await ask(raised, "e")).not.toHaveProperty("usedUp");
  expect(await isUsedUp(250)).toBe(true);
});
