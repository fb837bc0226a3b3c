import type { Candidate, DecideInput, DecidePolicy, Step } from "../../../src/generation/decide.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";

/** Some moment; the tests' clock starts here. */
export const START = Date.UTC(2026, 10, 23, 12);

export const POLICY: DecidePolicy = {
  attempts: 3,
  failOverAfter: 3,
  maxCalls: 12,
  backoff: { baseMs: 1000, capMs: 10_000 },
  failOverOnContentFilter: false,
};

/** What a test says of an attempt. */
export type Attempt = Pick<UsageRecord, "outcome"> & Partial<UsageRecord>;

/** A row in which only what `decide` reads has a meaning. */
export function rowOf(facts: Attempt, attempt = facts.attempt ?? 1): UsageRecord {
  return {
    attemptId: `job.${attempt}`,
    jobId: "job",
    attempt,
    agentId: "ada",
    kind: "tweet",
    provider: "a",
    model: "m",
    keyId: null,
    member: 0,
    request: "generate",
    sent: "yes",
    usage: null,
    costMicroUsd: 0,
    reservedMicroUsd: 0,
    possiblyBilled: false,
    startedAt: START,
    durationMs: 0,
    status: null,
    retryAfterMs: null,
    parameter: null,
    message: null,
    requestId: null,
    ...facts,
  };
}

/** One attempt after the other, counted from 1. */
export function historyOf(...attempts: readonly Attempt[]): UsageRecord[] {
  return attempts.map((facts, index) => rowOf(facts, index + 1));
}

export function chainOf(...names: readonly string[]): Candidate[] {
  return names.map((provider) => ({ provider, model: "m", contextTokens: null, keys: 1, limitGroups: 1 }));
}

/** Two providers, nothing tried, a minute to wait; long after every attempt of `history` has ended. */
export function inputOf(differences: Partial<DecideInput> = {}): DecideInput {
  return {
    history: [],
    chain: chainOf("a", "b"),
    unavailable: new Map(),
    waitLeftMs: 60_000,
    deadlineAt: null,
    policy: POLICY,
    now: START + 20_000,
    ...differences,
  };
}

export function callOf(member: number): Step & { do: "call" } {
  return { do: "call", member, request: "generate", omit: [] };
}

export function failed(reason: string): Step {
  return { do: "give-up", status: "failed", reason };
}
