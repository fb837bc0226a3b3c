import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTopics } from "../../../src/schedules/read-topics.ts";
import { topicAt } from "../../../src/schedules/topics.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

const topicsOf = (count: number) => Array.from({ length: count }, (_, index) => ({ topic: `topic ${index}` }));

describe("the topics of an agent", () => {
  it("come once in each round, and never twice in succession", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.string(), (count, agentId) => {
        const topics = topicsOf(count);
        const told = Array.from({ length: 6 * count }, (_, number) => topicAt(topics, number, agentId));
        for (let round = 0; round < 6; round++)
          expect(new Set(told.slice(round * count, (round + 1) * count))).toEqual(new Set(topics));
        if (count > 1) expect(told.filter((topic, number) => topic === told[number + 1])).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("have another order for each round and each agent, and the same on every machine", () => {
    const topics = topicsOf(8);
    const orderOf = (agentId: string, round: number) =>
      topics.map((_, index) => topics.indexOf(topicAt(topics, round * 8 + index, agentId) as { topic: string }));
    expect(orderOf("ada", 0)).toEqual([7, 4, 1, 6, 0, 2, 5, 3]);
    expect(orderOf("ada", 1)).not.toEqual(orderOf("ada", 0));
    expect(orderOf("orbit", 0)).not.toEqual(orderOf("ada", 0));
  });

  it("are left to the agent where there are none", () => {
    expect(topicAt([], 3, "ada")).toEqual({});
  });
});

describe("a file of topics", () => {
  async function read(name: string, content: string): Promise<unknown> {
    await using folder = await makeTempFolder();
    await writeFile(join(folder.path, name), content);
    return await readTopics(join(folder.path, name), "ada").catch((error: unknown) =>
      String(error instanceof Error ? error.message : error).replaceAll(`${folder.path}/`, ""),
    );
  }

  it("has one a line, in text", async () => {
    expect(await read("a.txt", "\uFEFFfog \r\n\n  tides, and gulls\n#paint\nfog\n")).toEqual([
      { topic: "fog" },
      { topic: "tides, and gulls" },
      { topic: "#paint" },
    ]);
  });

  it("has rows with any context, in CSV and JSONL; rows of other agents are left out", async () => {
    expect(await read("a.csv", 'agent,topic,mood\nada,fog,calm\norbit,comets,\n,"tides, too",\n')).toEqual([
      { topic: "fog", mood: "calm" },
      { topic: "tides, too" },
    ]);
    expect(await read("a.jsonl", '{"topic": "fog", "recent_events": ["rain"]}\n{"context": {"topic": "x"}}\n')).toEqual(
      [{ topic: "fog", recent_events: ["rain"] }, { topic: "x" }],
    );
  });

  it.each([
    ["a.txt", "", "a.txt: got no topic for ada; expected at least one"],
    ["a.csv", "agent,topic\norbit,fog\n", "a.csv: got no topic for ada; expected at least one"],
    ["a.csv", "mood,topic\ncalm,\n", "a.csv:2 topic: got nothing; expected what the post is about"],
    ["a.csv", "prompt,topic\nsay it,fog\n", 'a.csv:2 kind: got "content"; expected tweets only'],
    [
      "a.jsonl",
      '{"topic": "a"}\n{"topic"\n',
      "a.jsonl:2: got broken JSON (the end of the line); expected a colon before it",
    ],
  ])("%s is refused with the line: %j", async (name, content, message) => {
    expect(await read(name, content)).toBe(message);
  });

  it("may be missing, or a folder", async () => {
    await using folder = await makeTempFolder();
    await mkdir(join(folder.path, "b.txt"));
    const expected = "got no such file; expected a text file with a topic a line";
    await expect(readTopics(join(folder.path, "a.txt"), "ada")).rejects.toThrow(expected);
    await expect(readTopics(join(folder.path, "b.txt"), "ada")).rejects.toThrow(expected);
    await expect(readTopics(join(folder.path, "a.csv"), "ada")).rejects.toThrow("got nothing: it does not exist");
  });

  it("may not have too many", async () => {
    const lines = Array.from({ length: 10_001 }, (_, index) => `topic ${index}`).join("\n");
    expect(await read("a.txt", lines)).toBe("a.txt: got more than 10000 topics; expected at most 10000");
  });
});
