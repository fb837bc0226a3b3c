import { expect, it } from "vitest";
import { buildMessages } from "../../../src/agents/build-prompt.ts";
import { parseAgentObject } from "../../../src/agents/parse-agent.ts";
import { upperBound } from "../../../src/compare/estimate.ts";
import { planComparison, type PlannedText } from "../../../src/compare/plan.ts";
import { compileOptions, composePrices } from "../../../src/compose.ts";
import { capTokensOf } from "../../../src/generation/attempt.ts";
import { inputBytesOf } from "../../../src/generation/input-bytes.ts";
import { parseJobInput, payloadOf } from "../../../src/job/generation-job.ts";
import { DEFAULTS } from "../../support/documents.ts";

const { agent } = parseAgentObject("ada", { id: "ada", name: "Ada" }, compileOptions(DEFAULTS));
const FOG = parseJobInput({ kind: "tweet", agent: "ada", context: { topic: "fog" } });
const PARTS = { prices: composePrices(DEFAULTS), catalogue: DEFAULTS.providers.catalogue };
const FIRST_CALL = { do: "call", member: 0, request: "generate", omit: [] } as const;

/** The most that a worker reckons its first call can cost. */
function reckonedByWorker({ agent: variant }: PlannedText): number | null {
  const [member] = variant.chain;
  const maxOutputTokens = capTokensOf(member, FIRST_CALL, { ...PARTS, refused: { of: () => [] } });
  const inputBytes = inputBytesOf(buildMessages(variant, payloadOf(FOG), 0));
  return PARTS.prices.upperBound({ ...member, inputBytes, maxOutputTokens });
}

it.each(["openai/gpt-5", "openai/o3", "gemini/gemini-2.5-pro", "grok/grok-4.7", "openai/gpt-6-luna"])(
  "a text by %s costs at most what a worker reckons: with framing, and room for reasoning",
  (name) => {
    const [provider = "", model = ""] = name.split("/");
    const plan = planComparison({ name: "n", jobs: [FOG], targets: [{ provider, model }], agentOf: () => agent });
    expect(upperBound(plan, PARTS)).toBeGreaterThan(0);
    expect(upperBound(plan, PARTS)).toBe(plan.texts.map(reckonedByWorker)[0]);
  },
);
