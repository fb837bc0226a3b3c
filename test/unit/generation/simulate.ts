import {
  decide,
  type Candidate,
  type DecideInput,
  type DecidePolicy,
  type Step,
  type Unavailable,
} from "../../../src/generation/decide.ts";
import { RECOVERY } from "../../../src/generation/recovery.ts";
import type { AttemptOutcome, UsageRecord } from "../../../src/job/usage-record.ts";
import { rowOf, START } from "./decide-input.ts";

/** How one call ends in the simulated world. */
export interface Answer {
  readonly outcome: AttemptOutcome;
  readonly durationMs: number;
  /** Only of `rate-limited` and `overloaded`. */
  readonly retryAfterMs: number | null;
  /** Only of `unsupported-parameter`. */
  readonly parameter: string | null;
  /** The worker's clock is set while the call runs. */
  readonly clockJumpMs: number;
  /** Meanwhile another job's failure pauses a member, or an operator does, or a limit or budget is used up. */
  readonly pause: { readonly member: number; readonly forMs: number; readonly why: Unavailable["why"] } | null;
}

export interface Scenario {
  readonly chain: readonly Candidate[];
  /** Members that this worker has no key for. */
  readonly unconfigured: readonly number[];
  readonly policy: DecidePolicy;
  readonly maxWaitMs: number;
  /** After the start, by the worker's clock. */
  readonly deadlineMs: number | null;
  /** The first calls; every later one is answered as `lastAnswer`. */
  readonly answers: readonly Answer[];
  readonly lastAnswer: Answer;
}

/** A call as it was made; `trueAt` is on a clock that nobody sets. */
export interface Call {
  readonly row: UsageRecord;
  readonly omit: readonly string[];
  readonly trueAt: number;
  readonly trueEndAt: number;
  /** By the worker's clock. */
  readonly decidedAt: number;
}

/** A queue retry or a wait, with what was allowed when it was decided. */
export interface Pause {
  readonly step: Step & { do: "retry" | "wait" };
  readonly decidedAt: number;
  readonly waitLeftMs: number;
  readonly callsBefore: number;
}

export interface Story {
  readonly calls: readonly Call[];
  readonly pauses: readonly Pause[];
  /** How often the job was held. */
  readonly holds: number;
  readonly end: (Step & { do: "give-up" }) | { readonly do: "succeed" };
}

/** Far more than any story may have: at most 12 calls, with a few pauses before each. */
const MOST_STEPS = 200;

interface World {
  readonly scenario: Scenario;
  /** On a clock that nobody sets: Redis' own. */
  trueNow: number;
  /** The worker's clock is ahead by so much. */
  offsetMs: number;
  /** For each key of each member: what pauses it and until when, on Redis' clock. */
  readonly paused: Map<string, { untilAt: number; why: Unavailable["why"] }>;
  waitSince: number | null;
  /** What this run has learnt; the next run starts anew. */
  unavailable: Map<number, Unavailable>;
  waitedMs: number;
  readonly calls: Call[];
  readonly pauses: Pause[];
  holds: number;
}

/**
 * Follows `decide` through a world of providers, pauses and clocks as `run-generation.ts` and ADMIT do: a call is refused
 * while its limit group is paused, by Redis' clock; retries and waits start a new run.
 * @throws when the job does not end
 */
export function simulate(scenario: Scenario): Story {
  const world: World = {
    scenario,
    trueNow: START,
    offsetMs: 0,
    paused: new Map(),
    waitSince: null,
    unavailable: unconfigured(scenario),
    waitedMs: 0,
    calls: [],
    pauses: [],
    holds: 0,
  };
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const end = takeStep(world);
    if (end !== null) return { calls: world.calls, pauses: world.pauses, holds: world.holds, end };
  }
  throw new Error(`does not end within ${MOST_STEPS} steps: ${world.calls.map(({ row }) => row.outcome).join(", ")}`);
}

function takeStep(world: World): Story["end"] | null {
  const input = inputNow(world);
  const step = decide(input);
  switch (step.do) {
    case "give-up":
      return step;
    case "call":
      return call(world, step, input);
    case "retry":
      pause(world, step, input);
      world.trueNow += step.afterMs;
      return null;
    case "wait":
      pause(world, step, input);
      world.trueNow += Math.max(0, step.untilAt - input.now);
      return null;
    case "hold":
      hold(world);
      return null;
  }
}

function unconfigured({ unconfigured: members }: Scenario): Map<number, Unavailable> {
  return new Map(members.map((member) => [member, { untilAt: Infinity, why: "not-configured" }]));
}

function inputNow({ scenario, calls, waitedMs, unavailable, ...world }: World): DecideInput {
  const { chain, policy, maxWaitMs, deadlineMs } = scenario;
  const history = calls.map(({ row }) => row);
  const now = world.trueNow + world.offsetMs;
  const sinceFirstMs = history[0] === undefined ? 0 : now - history[0].startedAt;
  const waitLeftMs = maxWaitMs - Math.max(waitedMs, sinceFirstMs);
  const deadlineAt = deadlineMs === null ? null : START + deadlineMs;
  return { history, chain, unavailable, policy, now, waitLeftMs, deadlineAt };
}

function pause(world: World, step: Step & { do: "retry" | "wait" }, { now, waitLeftMs }: DecideInput): void {
  world.pauses.push({ step, decidedAt: now, waitLeftMs, callsBefore: world.calls.length });
  startAnew(world);
}

/** The lane stands still until the operator has resumed everything. */
function hold(world: World): void {
  const held = [...world.paused.values()].filter(({ why, untilAt }) => why === "paused" && untilAt > world.trueNow);
  world.holds++;
  world.trueNow = Math.max(world.trueNow, ...held.map(({ untilAt }) => untilAt));
  startAnew(world);
}

function startAnew(world: World): void {
  world.unavailable = unconfigured(world.scenario);
  world.waitedMs = 0;
}

function keysOf({ scenario }: World, member: number): string[] {
  return Array.from({ length: scenario.chain[member]?.keys ?? 0 }, (_, key) => `${member}/${key}`);
}

/** The key that can be used, or what is known of the one that comes back first. */
function admit(world: World, member: number): string | { untilAt: number; why: Unavailable["why"] } {
  const keys = keysOf(world, member).map((key) => {
    const { untilAt, why } = world.paused.get(key) ?? { untilAt: 0, why: "limit" as const };
    return { key, untilAt, why };
  });
  const [first] = keys.sort((a, b) => a.untilAt - b.untilAt);
  if (first === undefined) throw new Error(`there is no member ${member}`);
  return first.untilAt <= world.trueNow ? first.key : { untilAt: first.untilAt, why: first.why };
}

function call(world: World, step: Step & { do: "call" }, { now }: DecideInput): Story["end"] | null {
  const key = admit(world, step.member);
  if (typeof key !== "string") {
    world.waitSince ??= world.trueNow;
    world.waitedMs = world.trueNow - world.waitSince;
    const untilAt = key.why === "paused" ? Infinity : key.untilAt + world.offsetMs;
    world.unavailable.set(step.member, { untilAt, why: key.why });
    return null;
  }
  const answer = world.scenario.answers[world.calls.length] ?? world.scenario.lastAnswer;
  const row = answerRow(world, { step, answer, key });
  const trueAt = world.trueNow;
  world.trueNow += answer.durationMs;
  world.offsetMs += answer.clockJumpMs;
  world.calls.push({ row, omit: step.omit, trueAt, trueEndAt: world.trueNow, decidedAt: now });
  pauseGroups(world, row, answer);
  return row.outcome === "succeeded" ? { do: "succeed" } : null;
}

function answerRow(
  world: World,
  { step, answer, key }: { step: Step & { do: "call" }; answer: Answer; key: string },
): UsageRecord {
  const { outcome, durationMs, retryAfterMs, parameter } = answer;
  return rowOf(
    {
      outcome,
      durationMs,
      keyId: key,
      member: step.member,
      request: step.request,
      startedAt: world.trueNow + world.offsetMs,
      retryAfterMs: outcome === "rate-limited" || outcome === "overloaded" ? retryAfterMs : null,
      parameter: outcome === "unsupported-parameter" ? parameter : null,
    },
    world.calls.length + 1,
  );
}

/** A shorter pause never shortens a longer one. */
function pauseGroups(world: World, row: UsageRecord, answer: Answer): void {
  const { outcome, member, retryAfterMs, keyId } = row;
  const pauses = keysOf(world, answer.pause?.member ?? -1).map((key) => ({ key, ...answer.pause }));
  const own = keyId ?? "";
  if (outcome !== "succeeded" && outcome !== "crashed") {
    const { pauses: scope } = RECOVERY[outcome];
    const keys = scope === "limit-group" ? keysOf(world, member) : [own];
    if (scope !== null) pauses.push(...keys.map((key) => ({ key, forMs: 300_000, why: outcome })));
    if (retryAfterMs !== null) pauses.push({ key: own, forMs: retryAfterMs, why: outcome });
  }
  for (const { key, forMs = 0, why = "limit" } of pauses) {
    const untilAt = world.trueNow + forMs;
    if (untilAt > (world.paused.get(key)?.untilAt ?? 0)) world.paused.set(key, { untilAt, why });
  }
}
