import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { buildMessages } from "../../../src/agents/build-prompt.ts";
import { loadAgents } from "../../../src/agents/load-agents.ts";
import { JOB_KINDS, parseJobInput, payloadOf } from "../../../src/job/generation-job.ts";
import { OPTIONS } from "./compile-options.ts";

const EXAMPLES = new URL("../../../examples/", import.meta.url);

const { agents, notes } = await loadAgents(new URL("agents", EXAMPLES).pathname, OPTIONS);

async function readExample(name: string): Promise<string> {
  return readFile(new URL(name, EXAMPLES), "utf8");
}

describe("examples/agents", () => {
  it("covers OpenAI, Grok and Fake, with and without fall-backs", () => {
    const chains = [...agents].map(([id, { chain }]) => [id, chain.map(({ provider }) => provider).join(" > ")]);
    expect(Object.fromEntries(chains)).toEqual({
      ada: "openai > grok",
      echo: "fake",
      nori: "openai > grok > fake",
      orbit: "grok",
    });
    expect(notes).toEqual([]);
  });

  it.each([...agents])("%s compiles to this", (_, agent) => {
    expect(agent).toMatchSnapshot();
  });
});

describe("examples/topics.csv", () => {
  it("has topics for every agent", async () => {
    const rows: Record<string, string>[] = parse(await readExample("topics.csv"), { columns: true });
    expect(Object.keys(rows[0] ?? {})).toEqual(["agent", "topic", "mood", "recent_events"]);
    expect(rows.length).toBeGreaterThanOrEqual(66);
    expect(new Set(rows.map((row) => row["agent"]))).toEqual(new Set(agents.keys()));
    expect(new Set(rows.map((row) => row["topic"])).size).toBe(rows.length);
    expect(rows.filter((row) => row["mood"] === "")).toEqual([]);
  });
});

describe("examples/jobs.jsonl", () => {
  it("shows every kind of job, with known agents", async () => {
    const lines = (await readExample("jobs.jsonl")).trimEnd().split("\n");
    const jobs = lines.map((line, index) => parseJobInput(JSON.parse(line), "jobs.jsonl", index + 1));
    expect(new Set(jobs.map((job) => job.kind))).toEqual(new Set(JOB_KINDS));
    expect(jobs.some((job) => job.agent === undefined)).toBe(true);
    for (const job of jobs) {
      if (job.agent !== undefined) expect([...agents.keys()]).toContain(job.agent);
    }
  });

  it("makes these messages of a reply", async () => {
    const line = (await readExample("jobs.jsonl")).split("\n").find((job) => job.includes("ada-reply-1"));
    const ada = agents.get("ada");
    if (line === undefined || ada === undefined) throw new Error("the example is gone");
    const payload = payloadOf(parseJobInput(JSON.parse(line)));
    expect(buildMessages(ada, payload, 0)[1]?.content).toMatchSnapshot();
  });
});
