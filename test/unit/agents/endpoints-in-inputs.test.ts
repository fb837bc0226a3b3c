import { describe, expect, it } from "vitest";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { parseJobInput } from "../../../src/job/job-input.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { OPTIONS } from "./compile-options.ts";

const NAMES = ["endpoint", "base_url", "baseUrl", "baseURL", "api_endpoint", "api_base", "url", "host", "proxy"];
const URL_OF_OURS = "http://169.254.169.254/latest";

function problemsOf(parse: () => unknown): readonly string[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (error instanceof InvalidInputError) return error.problems.map(({ path }) => path);
    throw error;
  }
}

describe.each(NAMES)("who names an endpoint as %s", (name) => {
  it("in an agent is refused, wherever it stands", () => {
    const agent = {
      ...{ id: "ada", name: "Ada", llm_provider: "openai", [name]: URL_OF_OURS },
      llm_config: { [name]: URL_OF_OURS, fallback_provider: "grok", fallback_config: { [name]: URL_OF_OURS } },
    };
    const expected = [name, `llm_config.${name}`, `llm_config.fallback_config.${name}`];
    expect(problemsOf(() => parseAgentObject("agent", agent, OPTIONS))).toEqual(expect.arrayContaining(expected));
  });

  it("in a job is refused", () => {
    const job = { kind: "tweet", agent: "ada", context: { topic: "tea" }, [name]: URL_OF_OURS };
    expect(problemsOf(() => parseJobInput(job))).toEqual([name]);
  });
});

it.each([URL_OF_OURS, "https://example.com/v1", "//example.com", "openai@example.com"])(
  "a provider is a name, and no address such as %s",
  (llm_provider) => {
    const agent = { id: "ada", name: "Ada", llm_provider };
    expect(problemsOf(() => parseAgentObject("agent", agent, OPTIONS))).toContain("llm_provider");
  },
);
