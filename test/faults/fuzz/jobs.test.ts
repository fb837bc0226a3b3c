import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkInput } from "../../../src/bulk/check-input.ts";
import { readScores } from "../../../src/bulk/read-scores.ts";
import { rejectsFile } from "../../../src/bulk/rejects-file.ts";
import { parseJobInput, payloadOf, type ParsedJobInput } from "../../../src/job/generation-job.ts";
import { decodeJob } from "../../../src/queue/job-codec.ts";
import { formatProblem } from "../../../src/platform/problem.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { CANARY, damaged, expectNothingPolluted, expectShowable, jsonWith, parsedBy, runs } from "./fuzz.ts";

const FIELDS = [
  ...["kind", "agent", "id", "urgency", "deadline", "delivery", "cache", "context", "topic", "mood", "recent_events"],
  ...["mention", "conversation_history", "quoted", "author", "posts", "prompt", "text"],
];
const WORDS = ["tweet", "reply", "quote", "thread", "content", "ada", "bulk", "batch", "2026-11-25T18:00:00Z"];
const jobs = jsonWith(FIELDS, WORDS);

const HISTORY = [{ author: "bob", text: "hello" }, "hi"];
const REPLY = {
  kind: "reply",
  agent: "ada",
  mention: "hi",
  conversation_history: HISTORY,
  context: { api_key: CANARY },
};

describe("a job", () => {
  it("is taken, or refused, and means the same when it is written and read again", async () => {
    const input = fc.oneof(jobs, damaged(fc.constant(JSON.stringify(REPLY))).map(jsonOrText));
    await fc.assert(
      fc.asyncProperty(input, async (value) => {
        const parsed = await parsedBy(() => parseJobInput(value));
        if (parsed === undefined) return;
        expect(parseJobInput(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
      }),
      runs(),
    );
  });

  it("that lies in the queue is one, of a newer program or invalid, whatever somebody wrote there", () => {
    const good = { version: 1, id: "a", agentId: "ada", snapshot: "0123456789abcdef0123456789abcdef", turn: 0 };
    const rest = { urgency: "bulk", enqueuedAt: 1, deadlineAt: null, input: payloadOf(tweet()) };
    const names = [...Object.keys(good), ...Object.keys(rest), ...FIELDS];
    const written = fc.oneof(
      jsonWith(names, WORDS),
      damaged(fc.constant(JSON.stringify({ ...good, ...rest, api_key: CANARY }))).map(jsonOrText),
    );
    fc.assert(
      fc.property(written, (data) => {
        const decoded = decodeJob(data);
        if (decoded.is === "invalid") expectShowable(decoded.reason);
        if (decoded.is === "job") expect(decodeJob(JSON.parse(JSON.stringify(decoded.job)))).toEqual(decoded);
        expectNothingPolluted();
      }),
      runs(),
    );
  });
});

describe("a file of jobs", () => {
  const CSV = `id,agent,topic,mention,api_key\n1,ada,"te\na",,\n2,ada,,hi,${CANARY}\n,ada,fog,,\n`;
  const JSONL = `${JSON.stringify(REPLY)}\n{"agent":"ada","topic":"tea","id":7}\n`;
  const rows = fc
    .array(jobs, { maxLength: 4 })
    .map((values) => values.map((value) => JSON.stringify(value)).join("\n"));
  const files = [
    ["in.csv", fc.oneof(damaged(fc.constant(CSV)), fc.uint8Array({ maxLength: 100 }))],
    ["in.jsonl", fc.oneof(damaged(fc.constant(JSONL)), rows, fc.uint8Array({ maxLength: 100 }))],
    ["in.csv.gz", fc.uint8Array({ maxLength: 100 })],
  ] as const;

  it.each(files)("%s is read, or refused by line; its rejects are what they were", async (name, content) => {
    await using folder = await makeTempFolder();
    const [input, rejected] = [join(folder.path, name), join(folder.path, "rejects.jsonl")];
    const source = { input, agent: null, knownAgents: new Set(["ada"]) };
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        await writeFile(input, bytes);
        const whole = await parsedBy(() => checkInput(source));
        expect(whole?.invalid ?? 0).toBe(0);
        using rejects = rejectsFile(rejected);
        let invalid = 0;
        const onInvalid: Parameters<typeof rejects.write>[0] extends infer Row ? (row: Row) => void : never = (row) => {
          invalid++;
          rejects.write(row);
        };
        const parts = await parsedBy(() => checkInput(source, { onInvalid }));
        if (parts === undefined) return;
        expect(parts.invalid).toBe(invalid);
        if (whole !== undefined) expect(parts).toEqual(whole);
        if (invalid === 0) return;
        for (const line of (await readFile(rejected, "utf8")).trimEnd().split("\n"))
          for (const problem of (JSON.parse(line) as { problems: string[] }).problems) expectShowable(problem);
      }),
      runs(0.5),
    );
  });
});

describe("a file of scores", () => {
  it.each([
    ["in.csv", 'id,score,note\na,1,x\nb,0.5,"y"\nc,up,\n'],
    ["in.jsonl", '{"id":"a","score":1}\n{"id":7,"score":"down"}\n'],
  ])("%s is read, or refused by line", async (name, good) => {
    await using folder = await makeTempFolder();
    const path = join(folder.path, name);
    await fc.assert(
      fc.asyncProperty(damaged(fc.constant(good)), async (content) => {
        await writeFile(path, content);
        await parsedBy(async () => {
          for await (const read of readScores(path)) {
            if (read.is === "invalid") for (const problem of read.problems) expectShowable(formatProblem(problem));
            else expect(read.scored.score >= 0 && read.scored.score <= 1 && read.scored.id !== "").toBe(true);
          }
        });
      }),
      runs(0.5),
    );
  });
});

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function tweet(): ParsedJobInput {
  return parseJobInput({ kind: "tweet", agent: "ada", context: { topic: "tea" } });
}
