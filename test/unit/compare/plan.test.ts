import { describe, expect, it } from "vitest";
import type { Agent } from "../../../src/agents/agent.ts";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { planComparison, type ComparisonPlan } from "../../../src/compare/plan.ts";
import { compileOptions } from "../../../src/compose.ts";
import { parseJobInput } from "../../../src/job/generation-job.ts";
import { DEFAULTS } from "../../support/documents.ts";

const TARGETS = [
  { provider: "openai", model: "gpt-6-luna" },
  { provider: "fake", model: "fake-2" },
];

function agent(parts: Record<string, unknown> = {}): Agent {
  return parseAgentObject("agent", { id: "ada", name: "Ada", ...parts }, compileOptions(DEFAULTS)).agent;
}

function plan(given: Agent, topics: readonly string[], options: Partial<Parameters<typeof planComparison>[0]> = {}) {
  const jobs = topics.map((topic) => parseJobInput({ kind: "tweet", agent: given.id, context: { topic } }));
  return planComparison({ name: "rain", jobs, targets: TARGETS, agentOf: () => given, ...options });
}

function idsOf({ texts }: ComparisonPlan): string[] {
  return texts.map(({ id }) => id);
}

describe("the plan of a comparison", () => {
  it("has a text for each job and model, job by job, under ids that say which model", () => {
    const { texts } = plan(agent(), ["tea", "rain"]);
    expect(texts.map(({ id, job }) => `${job} ${id.replace(/-[0-9a-f]{12}$/, "")}`)).toEqual([
      "0 rain-openai-gpt-6-luna",
      "0 rain-fake-fake-2",
      "1 rain-openai-gpt-6-luna",
      "1 rain-fake-fake-2",
    ]);
  });

  it("has each model alone in the chain, with parameters, time-out and prompt of the agent's primary", () => {
    const llm_config = { temperature: 0.2, max_tokens: 99, timeout: 7, fallback_provider: "grok" };
    const given = agent({ llm_config, custom_system_prompt: "You are Ada." });
    for (const { agent: variant } of plan(given, ["tea"]).texts) {
      expect(variant).toMatchObject({ id: "ada", prompt: given.prompt, chain: { length: 1 } });
      expect(variant.chain[0]).toMatchObject({ parameters: given.chain[0].parameters, timeoutMs: 7000 });
    }
    expect(plan(given, ["tea"]).texts.map(({ agent: { chain } }) => `${chain[0].provider}/${chain[0].model}`)).toEqual([
      "openai/gpt-6-luna",
      "fake/fake-2",
    ]);
  });

  it("gives what only a vendor understands to that vendor alone", () => {
    const fallback = { fallback_provider: "fake", fallback_config: { response_style: "poetic" } };
    const { texts } = plan(agent({ llm_config: fallback }), ["tea"]);
    expect(texts.map((text) => text.agent.chain[0].options)).toEqual([{}, { responseStyle: "poetic" }]);
  });

  it("keeps token biases for the model whose tokens they are, and says where they are left out", () => {
    const { texts, notes } = plan(agent({ llm_config: { model: "gpt-6-luna", logit_bias: { "1734": -5 } } }), ["tea"]);
    expect(texts.map((text) => text.agent.chain[0].parameters.logitBias)).toEqual([{ "1734": -5 }, undefined]);
    expect(notes).toEqual([expect.stringMatching(/^fake\/fake-2 runs without the logit_bias of ada: /)]);
  });

  it("has the same prompt for every model where prompts take turns, and leaves the agent's own turns alone", () => {
    const given = agent({ rotating_system_prompts: ["Morning.", "Evening."] });
    const prompts = plan(given, ["a", "b", "c", "d", "e", "f"]).texts.map((text) => text.agent.prompt);
    const [first, second] = [0, 1].map((target) => prompts.filter((_, index) => index % 2 === target));
    expect(first).toEqual(second);
    const used = new Set(prompts.map((prompt) => JSON.stringify(prompt)));
    expect([...used].sort()).toEqual(["Evening.", "Morning."].map((text) => JSON.stringify({ from: "custom", text })));
  });

  it("has the same ids again for the same content, whatever the order and number of models", () => {
    const first = idsOf(plan(agent(), ["tea", "rain"]));
    expect(idsOf(plan(agent(), ["tea", "rain"]))).toEqual(first);
    const more = plan(agent(), ["tea", "rain", "fog"], {
      targets: [{ provider: "grok", model: "grok-4.3" }, ...TARGETS.toReversed()],
    });
    expect(idsOf(more)).toEqual(expect.arrayContaining(first));
  });

  it.each([agent(), agent({ rotating_system_prompts: ["Morning.", "Evening.", "Night."] })])(
    "has the same ids again when jobs are put in front, between or left out: %#",
    (given) => {
      const first = idsOf(plan(given, ["tea", "rain", "fog"]));
      expect(idsOf(plan(given, ["new", "tea", "newer", "rain", "fog"]))).toEqual(expect.arrayContaining(first));
      expect(first).toEqual(expect.arrayContaining(idsOf(plan(given, ["fog"]))));
    },
  );

  it("has an id of its own for a job that is there twice", () => {
    const once = idsOf(plan(agent(), ["tea"]));
    const twice = idsOf(plan(agent(), ["tea", "rain", "tea"]));
    expect(new Set(twice).size).toBe(6);
    expect(twice).toEqual(expect.arrayContaining([...once, ...once.map((id) => `${id}-2`)]));
  });

  it("has other ids once job, prompt or parameters are others: no earlier text is taken for this one", () => {
    const all = [
      plan(agent(), ["tea"]),
      plan(agent(), ["coffee"]),
      plan(agent({ custom_system_prompt: "You are Ada." }), ["tea"]),
      plan(agent({ llm_config: { temperature: 0.1 } }), ["tea"]),
      plan(agent(), ["tea"], { name: "fog" }),
    ].flatMap(idsOf);
    expect(new Set(all).size).toBe(10);
  });

  it("has ids that fit however long names are", () => {
    const targets = [{ provider: "openai", model: "m".repeat(128) }];
    const [id = ""] = idsOf(plan(agent(), ["tea"], { name: "n".repeat(40), targets }));
    expect(id).toMatch(/^[A-Za-z0-9_-]{1,128}$/);
  });
});
