import { expect, it } from "vitest";
import {
  claimJobs,
  payloadHashOf,
  readSnapshot,
  snapshotOf,
  storeSnapshot,
  type Claim,
  type ClaimRequest,
} from "../../../src/admission/claims.ts";
import type { Agent } from "../../../src/agents/agent.ts";
import {
  admitRequestOf,
  admissionOf,
  endOf,
  openNamespace,
  succeededRecord,
  unsuccessfulRecord,
  type TestNamespace,
} from "../../support/attempts.ts";

const LANE = "openai~gpt-6-luna";
const CHAIN = "openai/gpt-6-luna";

function claimOf(id: string, changes: Partial<ClaimRequest> = {}): ClaimRequest {
  const common = { lane: LANE, snapshot: "5".repeat(32), agentId: "ada", kind: "tweet", rotates: false } as const;
  return { id, payloadHash: `hash of ${id}`, ...common, ...changes };
}

async function claim(at: TestNamespace, ...requests: readonly ClaimRequest[]): Promise<Claim[]> {
  return await claimJobs(at.redis, at.namespace, { requests, lanes: new Map([[LANE, CHAIN]]) });
}

it("a new id is new once, then queued, then settled", async () => {
  await using at = await openNamespace();
  const recorded = { lane: LANE, snapshot: "5".repeat(32), turn: 0 };
  expect(await claim(at, claimOf("a"))).toEqual([{ answer: "new", ...recorded }]);
  expect(await claim(at, claimOf("a"))).toEqual([{ answer: "queued", ...recorded }]);
  await admissionOf(at.redis, at.namespace).settle(endOf(succeededRecord("a")));
  expect(await claim(at, claimOf("a"))).toEqual([{ answer: "settled", ...recorded }]);
  expect(await at.redis.hgetall(at.keys.job("a"))).toMatchObject({ agent: "ada", kind: "tweet", lane: LANE });
  expect(await at.redis.hgetall(at.keys.lanes)).toEqual({ [LANE]: CHAIN });
});

it("another payload under the same id is a conflict, before and after the job is finished", async () => {
  await using at = await openNamespace();
  await claim(at, claimOf("a"));
  const other = claimOf("a", { payloadHash: "of something else" });
  expect((await claim(at, other))[0]?.answer).toBe("conflict");
  await admissionOf(at.redis, at.namespace).settle(endOf(succeededRecord("a")));
  expect((await claim(at, other))[0]?.answer).toBe("conflict");
  expect(await at.redis.hget(at.keys.job("a"), "payload")).toBe("hash of a");
});

it("replies lane and snapshot as they were recorded, not as they are asked for now", async () => {
  await using at = await openNamespace();
  await claim(at, claimOf("a"));
  const changedAgent = claimOf("a", { lane: "grok~grok-4.3", snapshot: "6".repeat(32) });
  expect(await claim(at, changedAgent)).toEqual([{ answer: "queued", lane: LANE, snapshot: "5".repeat(32), turn: 0 }]);
});

it("of many claims of one id at once, one is new", async () => {
  await using at = await openNamespace();
  const claims = await Promise.all(Array.from({ length: 50 }, () => claim(at, claimOf("a"))));
  expect(claims.flat().filter(({ answer }) => answer === "new")).toHaveLength(1);
  expect(claims.flat().filter(({ answer }) => answer === "queued")).toHaveLength(49);
});

it("a batch is answered in its order, an id that is in it twice included", async () => {
  await using at = await openNamespace();
  await claim(at, claimOf("b"));
  const batch = [claimOf("a"), claimOf("b"), claimOf("a"), claimOf("a", { payloadHash: "x" }), claimOf("c")];
  expect((await claim(at, ...batch)).map(({ answer }) => answer)).toEqual([
    "new",
    "queued",
    "queued",
    "conflict",
    "new",
  ]);
});

it("rotating prompts take turns, by agent; a job keeps its turn", async () => {
  await using at = await openNamespace();
  const rotating = (id: string, agentId = "ada"): ClaimRequest => claimOf(id, { agentId, rotates: true });
  const turns = async (...requests: ClaimRequest[]): Promise<number[]> =>
    (await claim(at, ...requests)).map(({ turn }) => turn);
  expect(await turns(rotating("a"), rotating("b"))).toEqual([0, 1]);
  expect(await turns(rotating("x", "orbit"), rotating("c"))).toEqual([0, 2]);
  expect(await turns(rotating("a"), rotating("b"), rotating("d"))).toEqual([0, 1, 3]);
  expect(await turns(claimOf("plain"))).toEqual([0]);
});

it("a claim without an end lives as long as the snapshot without which its job cannot run", async () => {
  await using at = await openNamespace();
  await claim(at, claimOf("a"));
  expect(await at.redis.pttl(at.keys.job("a"))).toBeGreaterThan(89 * 24 * 3600_000);
});

it("a failed job is settled for a claim, and queued again while it is deliberately retried", async () => {
  await using at = await openNamespace();
  await claim(at, claimOf("a"));
  const admission = admissionOf(at.redis, at.namespace);
  await admission.settle(endOf(unsuccessfulRecord("a", "failed")));
  expect((await claim(at, claimOf("a")))[0]?.answer).toBe("settled");
  await admission.admit(admitRequestOf("a", { deliveries: 1 }));
  expect((await claim(at, claimOf("a")))[0]?.answer).toBe("queued");
});

const AGENT: Agent = {
  id: "ada",
  name: "Ada",
  chain: [
    {
      provider: "openai",
      model: "gpt-6-luna",
      parameters: {
        temperature: 0.7,
        maxTokens: 280,
        topP: 0.9,
        frequencyPenalty: 0,
        presencePenalty: 0,
        stream: false,
      },
      timeoutMs: 30_000,
      options: {},
    },
  ],
  prompt: { from: "custom", text: "You are Ada. Ünïcödé ✓" },
};

it("an agent is stored under its content and comes back as it was", async () => {
  await using at = await openNamespace();
  const snapshot = snapshotOf(AGENT);
  await storeSnapshot(at.redis, at.namespace, snapshot);
  expect(await readSnapshot(at.redis, at.namespace, snapshot.hash)).toEqual(AGENT);
  expect(await at.redis.pttl(at.keys.snapshot(snapshot.hash))).toBeGreaterThan(89 * 24 * 3600_000);
  expect(await readSnapshot(at.redis, at.namespace, "0".repeat(32))).toBeNull();
});

it("the same content has the same hash in whatever order it was written; other content has another", () => {
  const { prompt, chain, name, id } = AGENT;
  expect(snapshotOf({ prompt, chain, name, id }).hash).toBe(snapshotOf(AGENT).hash);
  expect(snapshotOf({ ...AGENT, name: "Ada L." }).hash).not.toBe(snapshotOf(AGENT).hash);
  const payload = { kind: "tweet", context: { topic: "tea", mood: "calm" } } as const;
  const reordered = { context: { mood: "calm", topic: "tea" }, kind: "tweet" } as const;
  expect(payloadHashOf("ada", reordered)).toBe(payloadHashOf("ada", payload));
  expect(payloadHashOf("orbit", payload)).not.toBe(payloadHashOf("ada", payload));
  const list = { kind: "tweet", context: { recent_events: ["a", "b"] } } as const;
  const reversed = { kind: "tweet", context: { recent_events: ["b", "a"] } } as const;
  expect(payloadHashOf("ada", reversed), "order counts in a list").not.toBe(payloadHashOf("ada", list));
});
