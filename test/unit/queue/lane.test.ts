import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChainMember } from "../../../src/agents/agent.ts";
import { laneOf, lanePrefix, providersOf, QUARANTINE } from "../../../src/queue/lane.ts";

function agentWith(...members: readonly (readonly [provider: string, model: string])[]): Parameters<typeof laneOf>[0] {
  const chain = members.map(([provider, model]) => ({ provider, model }) as ChainMember);
  return { chain: chain as unknown as Parameters<typeof laneOf>[0]["chain"] };
}

/** As agent files allow them. */
const model = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,40}$/);
const member = fc.tuple(fc.constantFrom("openai", "grok", "fake"), model);

describe("a lane", () => {
  it("is named after its chain", () => {
    expect(laneOf(agentWith(["openai", "gpt-6-luna"], ["grok", "grok-4.7"]))).toEqual({
      name: "openai~gpt-6-luna>grok~grok-4.7",
      chain: "openai/gpt-6-luna > grok/grok-4.7",
    });
  });

  it.each([
    ["ft:gpt-6-luna:acme::a1", "openai~ft=3agpt-6-luna=3aacme=3a=3aa1"],
    ["llama3:8b", "openai~llama3=3a8b"],
    ["meta-llama/llama-4@latest", "openai~meta-llama=2fllama-4=40latest"],
  ])("of the model %s is %s", (name, lane) => {
    expect(laneOf(agentWith(["openai", name])).name).toBe(lane);
  });

  it("has no character that BullMQ, a Redis cluster or a web address gives a meaning to", () => {
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 4 }), (members) => {
        expect(laneOf(agentWith(...members)).name).toMatch(/^[^:{}%/]+$/);
      }),
    );
  });

  it("is another one for every other chain", () => {
    fc.assert(
      fc.property(
        fc.array(member, { minLength: 1, maxLength: 3 }),
        fc.array(member, { minLength: 1, maxLength: 3 }),
        (a, b) => {
          const isSame = JSON.stringify(a) === JSON.stringify(b);
          expect(laneOf(agentWith(...a)).name === laneOf(agentWith(...b)).name).toBe(isSame);
        },
      ),
    );
    expect(laneOf(agentWith(["openai", "a"], ["grok", "b"])).name).not.toBe(
      laneOf(agentWith(["grok", "b"], ["openai", "a"])).name,
    );
  });

  it("knows the providers of its chain", () => {
    expect(providersOf(laneOf(agentWith(["openai", "org/model"], ["grok", "grok-4.7"])).chain)).toEqual([
      "openai",
      "grok",
    ]);
  });

  it("is never the quarantine", () => {
    expect(laneOf(agentWith(["quarantine", "m"])).name).not.toBe(QUARANTINE.name);
  });
});

describe("the key prefix of a lane", () => {
  it("has one hash tag: lanes spread over a cluster, and each stays on one node", () => {
    expect(lanePrefix("puppet", "openai~gpt-6-luna")).toMatch(/^\{puppet:[0-9a-f]{8}\}$/);
    expect(lanePrefix("puppet", "a")).toBe(lanePrefix("puppet", "a"));
    expect(lanePrefix("puppet", "a")).not.toBe(lanePrefix("puppet", "b"));
    expect(lanePrefix("puppet", "a")).not.toBe(lanePrefix("other", "a"));
  });
});
