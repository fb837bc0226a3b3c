import { expect, it } from "vitest";
import type { AdmitReply } from "../../../src/admission/admission.ts";
import { composeOperator, type Operator } from "../../../src/compose-operator.ts";
import { RedisUnavailableError } from "../../../src/platform/redis.ts";
import { DEFAULT_CONFIG } from "../../../src/config/config-file.ts";
import type { PauseTarget } from "../../../src/queue/operator-pauses.ts";
import { admissionOf, admitRequestOf, intentOf } from "../../support/attempts.ts";
import { freePort } from "../../support/free-port.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { testRedisUrl } from "../../support/redis.ts";

/** ADA's lane has a fall-back, NORI's has none. */
const ADAS = { name: "openai~gpt-6-luna>grok~grok-4.3", chain: "openai/gpt-6-luna > grok/grok-4.3" };
const NORIS = { name: "openai~gpt-6-luna", chain: "openai/gpt-6-luna" };
const OPENAI: PauseTarget = { what: "provider", name: "openai" };
const GROK: PauseTarget = { what: "provider", name: "grok" };
const ALL: PauseTarget = { what: "all" };

function operatorOf({ namespace }: GenerationSystem): Operator {
  return composeOperator({ config: { namespace, file: DEFAULT_CONFIG }, address: { url: testRedisUrl() } });
}

async function pausedQueues(system: GenerationSystem): Promise<string[]> {
  const names = [ADAS.name, NORIS.name, "quarantine"];
  const paused = await Promise.all(names.map(async (name) => await system.lane(name).isPaused()));
  return names.filter((_, index) => paused[index]);
}

let jobs = 0;

async function admit(system: GenerationSystem, lane: string, provider: string): Promise<AdmitReply> {
  const id = `j${++jobs}`;
  const intent = intentOf(id, 1, { provider });
  return await admissionOf(system.redis, system.namespace).admit(admitRequestOf(id, { intent, lane }));
}

const standsStill = (detail: string): Partial<AdmitReply> => ({
  ...{ answer: "unavailable", forMs: Infinity, why: "paused", waitedMs: 0, detail },
});

it("a provider: lanes without another one stand still, no call of it is granted, other providers' are", async () => {
  await using system = await startSystem();
  await using operator = operatorOf(system);
  expect(await operator.pause(OPENAI)).toBe(true);
  expect(await pausedQueues(system)).toEqual([NORIS.name]);
  expect(await operator.affectedBy(OPENAI)).toEqual({ standing: [NORIS], goingOn: [ADAS] });
  expect(await operator.affectedBy(GROK)).toEqual({ standing: [], goingOn: [ADAS] });
  expect(await admit(system, ADAS.name, "openai")).toMatchObject(standsStill("provider"));
  expect(await admit(system, ADAS.name, "grok")).toMatchObject({ answer: "granted" });

  expect(await operator.pause(OPENAI), "it was paused already").toBe(false);
  expect(await operator.resume(OPENAI)).toBe(true);
  expect(await pausedQueues(system)).toEqual([]);
  expect(await admit(system, ADAS.name, "openai")).toMatchObject({ answer: "granted" });
  expect(await operator.resume(OPENAI), "it was not paused any more").toBe(false);
});

it("both providers of a chain: its lane stands still, too, until one of them is resumed", async () => {
  await using system = await startSystem();
  await using operator = operatorOf(system);
  await operator.pause(OPENAI);
  await operator.pause(GROK);
  expect(await pausedQueues(system)).toEqual([ADAS.name, NORIS.name]);
  await operator.resume(GROK);
  expect(await pausedQueues(system)).toEqual([NORIS.name]);
});

it("a lane: it alone stands still", async () => {
  await using system = await startSystem();
  await using operator = operatorOf(system);
  const lane: PauseTarget = { what: "lane", name: ADAS.name };
  await operator.pause(lane);
  expect(await pausedQueues(system)).toEqual([ADAS.name]);
  expect(await operator.affectedBy(lane)).toEqual({ standing: [ADAS], goingOn: [] });
  expect(await admit(system, ADAS.name, "grok")).toMatchObject(standsStill("lane"));
  expect(await admit(system, NORIS.name, "openai")).toMatchObject({ answer: "granted" });
});

it("all: every lane stands still, and resuming all ends the pauses of providers and lanes as well", async () => {
  await using system = await startSystem();
  await using operator = operatorOf(system);
  await operator.pause(GROK);
  await operator.pause(ALL);
  expect(await pausedQueues(system)).toEqual([ADAS.name, NORIS.name]);
  expect(await admit(system, NORIS.name, "openai")).toMatchObject(standsStill("all"));
  const { operatorPauses } = await operator.health(Date.now());
  expect(operatorPauses).toEqual([
    { ...GROK, sinceAt: expect.any(Number) as number },
    { ...ALL, sinceAt: expect.any(Number) as number },
  ]);

  expect(await operator.resume(ALL)).toBe(true);
  expect(await operator.pauses()).toEqual([]);
  expect(await pausedQueues(system)).toEqual([]);
  expect(await admit(system, NORIS.name, "grok")).toMatchObject({ answer: "granted" });
});

it("resuming leaves alone what was paused in Bull Board", async () => {
  await using system = await startSystem();
  await using operator = operatorOf(system);
  await system.lane(ADAS.name).pause();
  await operator.pause(OPENAI);
  await operator.resume(OPENAI);
  expect(await pausedQueues(system)).toEqual([ADAS.name]);
});

it("says when Redis is not there", async () => {
  const address = { url: `redis://127.0.0.1:${await freePort()}` };
  await using operator = composeOperator({ config: { namespace: "n", file: DEFAULT_CONFIG }, address });
  await expect(operator.pauses()).rejects.toThrow(RedisUnavailableError);
  await expect(operator.pause(ALL)).rejects.toThrow(/^Redis at redis:.* is not available/);
});

it("a resume that was cut off half-way is finished by the next one; a pause in Bull Board stays", async () => {
  await using system = await startSystem();
  await using operator = operatorOf(system);
  await operator.pause(ALL);
  // As if whoever resumed had ended before the lanes went on.
  await system.redis.del(system.keys.operatorPauses);
  expect(await pausedQueues(system)).toEqual([ADAS.name, NORIS.name]);
  expect(await operator.resume(ALL)).toBe(false);
  expect(await pausedQueues(system)).toEqual([]);

  await system.lane(NORIS.name).pause();
  await operator.pause(GROK);
  await operator.resume(ALL);
  expect(await pausedQueues(system)).toEqual([NORIS.name]);
});
