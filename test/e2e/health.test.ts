import { expect, it } from "vitest";
import { admissionOf, admitRequestOf, failedRow, intentOf, settlementOf, succeededRow } from "../support/attempts.ts";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { connectTestRedis } from "../support/redis.ts";

/** Two calls of OpenAI, one of them refused for good; the key is left alone, and 7.1 of 10 micro-USD are spent. */
async function callOpenAi({ namespace }: CliSession): Promise<void> {
  await using redis = await connectTestRedis();
  const admission = admissionOf(redis, namespace);
  for (const [id, rowOf, outcome] of [
    ["a", succeededRow, "succeeded"],
    ["b", failedRow, "authentication"],
  ] as const) {
    const grant = await admission.admit(admitRequestOf(id, { intent: intentOf(id, 1, { startedAt: Date.now() }) }));
    if (grant.answer !== "granted") throw new Error(grant.answer);
    const row = rowOf(grant.intent, { outcome, message: outcome === "succeeded" ? null : "HTTP 401: no such key" });
    const report = { grant, limits: [], health: "neutral" } as const;
    const pause = { scope: "credential", name: grant.credential, forMs: 300_000, why: "authentication" } as const;
    await admission.settle(settlementOf(row, { report, pause: outcome === "succeeded" ? null : pause }));
  }
}

it("no calls: says so, in which namespace, and exits with 0", async () => {
  await using cli = await openCliSession();
  const [table, json] = await Promise.all([cli.run("health"), cli.run("health", "--json")]);
  expect(table).toMatchObject({ code: 0, stderr: "", stdout: `no calls yet (namespace ${cli.namespace})\n` });
  expect(json).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(json.stdout)).toEqual({ groups: [], pausedKeys: [], operatorPauses: [], budgets: [] });
});

it("limit groups, a paused key, budgets and an operator's pause, as tables and as JSON", async () => {
  await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
  await cli.write("config.json", { budgets: { globalUsdPerDay: 0.00001 } });
  await callOpenAi(cli);
  await cli.run("pause", "grok");
  const [table, json] = await Promise.all([cli.run("health"), cli.run("health", "--json")]);
  expect(table).toMatchObject({ code: 0, stderr: "" });
  expect(table.stdout).toMatch(/openai\/gpt-6-luna#1a2b3c4d │ paused: authentication, \d+ (s|min) more │ +2 │ +50 % │/);
  expect(table.stdout).toMatch(/^key openai#1a2b3c4d is paused: authentication; replace the key and restart/m);
  expect(table.stdout).toContain("openai/gpt-6-luna#1a2b3c4d: last error: HTTP 401: no such key");
  expect(table.stdout).toMatch(/^provider grok is paused by an operator since .* UTC .*: puppet-engine resume grok$/m);
  expect(table.stdout).toMatch(/│ global +│ +0\.00000710 │ +0 │ +0\.0000100 │ ███████░░░ 71 % │/);
  expect(JSON.parse(json.stdout)).toMatchObject({
    groups: [{ name: "openai/gpt-6-luna#1a2b3c4d", state: "paused", why: "authentication", calls: 2 }],
    pausedKeys: [{ name: "openai#1a2b3c4d", why: "authentication" }],
    operatorPauses: [{ what: "provider", name: "grok" }],
    budgets: [{ name: "global", spentMicroUsd: 7.1, limitMicroUsd: 10 }],
  });
});
