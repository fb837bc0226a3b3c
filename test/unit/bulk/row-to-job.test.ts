import { describe, expect, it } from "vitest";
import { rowToJob } from "../../../src/bulk/row-to-job.ts";

function jobOf(fields: Readonly<Record<string, unknown>>, agent?: string): unknown {
  return rowToJob({ line: 7, fields }, { source: "t.csv", ...(agent === undefined ? {} : { agent }) });
}

describe("the kind of a row", () => {
  it.each([
    ["a tweet", { agent: "ada" }, "tweet"],
    ["a tweet", { agent: "ada", topic: "tea", mention: "", prompt: "" }, "tweet"],
    ["a reply", { agent: "ada", mention: "hi", prompt: "" }, "reply"],
    ["content", { agent: "ada", prompt: "p", mention: "" }, "content"],
    ["a tweet", { agent: "ada", kind: "tweet", mention: "hi" }, "tweet"],
  ])("is %s for %j", (_, fields, kind) => {
    expect(jobOf(fields)).toMatchObject({ kind });
  });
});

describe("the fields of a row", () => {
  it("are the job's own, and context", () => {
    const fields = { id: "1", agent: "ada", urgency: "scheduled", topic: "tea", "season of the year": "autumn", n: 3 };
    expect(jobOf(fields)).toEqual({
      kind: "tweet",
      id: "1",
      agent: "ada",
      urgency: "scheduled",
      context: { topic: "tea", "season of the year": "autumn", n: 3 },
    });
  });

  it("may have a deadline, which is digits or a time in CSV", () => {
    const deadline = Date.UTC(2026, 10, 25, 18);
    expect(jobOf({ agent: "ada", deadline: "2026-11-25T19:00:00+01:00" })).toMatchObject({ deadline, context: {} });
    expect(jobOf({ agent: "ada", deadline: String(deadline) })).toMatchObject({ deadline });
    expect(jobOf({ agent: "ada", deadline })).toMatchObject({ deadline });
    expect(jobOf({ agent: "ada", deadline: "" })).not.toHaveProperty("deadline");
  });

  it("of another kind are context too", () => {
    expect(jobOf({ agent: "ada", kind: "tweet", prompt: "p" })).toMatchObject({ context: { prompt: "p" } });
  });

  it("may have a context of their own in JSONL, which wins", () => {
    const fields = { agent: "ada", topic: "tea", mood: "calm", context: { topic: "fog", deep: { a: [1] } } };
    expect(jobOf(fields)).toMatchObject({ context: { topic: "fog", mood: "calm", deep: { a: [1] } } });
  });

  it("count as absent when they are empty", () => {
    expect(jobOf({ agent: "ada", id: "", topic: "", mood: null })).toEqual({
      kind: "tweet",
      agent: "ada",
      context: {},
    });
  });

  it("may leave out the agent when one is named for all rows; a row's own wins", () => {
    expect(jobOf({ topic: "tea" }, "orbit")).toMatchObject({ agent: "orbit" });
    expect(jobOf({ topic: "tea", agent: "" }, "orbit")).toMatchObject({ agent: "orbit" });
    expect(jobOf({ topic: "tea", agent: "ada" }, "orbit")).toMatchObject({ agent: "ada" });
    expect(jobOf({ prompt: "p" })).not.toHaveProperty("agent");
  });

  it("hold JSON lists where lists belong, and text elsewhere", () => {
    const list = '["a, b", "c"]';
    expect(jobOf({ agent: "ada", recent_events: list, topic: list })).toMatchObject({
      context: { recent_events: ["a, b", "c"], topic: list },
    });
    expect(
      jobOf({ agent: "ada", mention: "hi", conversation_history: '[{"author":"b","text":"x"},"y"]' }),
    ).toMatchObject({
      conversation_history: [
        { author: "b", text: "x" },
        { author: null, text: "y" },
      ],
    });
    expect(jobOf({ agent: "ada", recent_events: "[sic] it rained" })).toMatchObject({
      context: { recent_events: "[sic] it rained" },
    });
  });
});

it("a row that could not be read is refused with the reason that was found", () => {
  const problem = { source: "t.csv", line: 7, path: "topic", got: "a row with 2 cells", expected: "3" };
  expect(() => rowToJob({ line: 7, problem }, { source: "t.csv" })).toThrow(
    "t.csv:7 topic: got a row with 2 cells; expected 3",
  );
});
