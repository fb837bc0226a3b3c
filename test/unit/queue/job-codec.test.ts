import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GenerationJob } from "../../../src/job/generation-job.ts";
import { decodeJob, jobIdOf, priorityOf, queueJobId, queueOptions } from "../../../src/queue/job-codec.ts";

const MINUTE_MS = 60_000;
const NOW = Date.UTC(2026, 10, 23, 12);
/** BullMQ refuses larger ones. */
const LOWEST = 2_097_151;

const JOB: GenerationJob = {
  version: 1,
  id: "row-1",
  agentId: "ada",
  snapshot: "0123456789abcdef0123456789abcdef",
  turn: 3,
  urgency: "bulk",
  enqueuedAt: NOW,
  deadlineAt: NOW + 3600_000,
  input: { kind: "content", prompt: "p", context: { topic: "tea" } },
};

describe("priorities", () => {
  it("put replies before everything", () => {
    expect(priorityOf("reply", NOW)).toBe(0);
    expect(priorityOf("reply", 0)).toBe(0);
  });

  it("put a bulk job behind what is scheduled within the next half hour, and before everything later", () => {
    const bulk = priorityOf("bulk", NOW);
    expect(bulk).toBeGreaterThan(priorityOf("scheduled", NOW));
    expect(bulk).toBeGreaterThan(priorityOf("scheduled", NOW + 29 * MINUTE_MS));
    expect(bulk).toBe(priorityOf("scheduled", NOW + 30 * MINUTE_MS));
    expect(bulk).toBeLessThan(priorityOf("scheduled", NOW + 35 * MINUTE_MS));
  });

  it("keep jobs of one urgency in order, in steps of five minutes", () => {
    for (const urgency of ["scheduled", "bulk"] as const) {
      expect(priorityOf(urgency, NOW + 5 * MINUTE_MS)).toBe(priorityOf(urgency, NOW) + 1);
      fc.assert(
        fc.property(fc.nat(4e12), fc.nat(4e12), (a, b) => {
          expect(priorityOf(urgency, Math.max(a, b))).toBeGreaterThanOrEqual(priorityOf(urgency, Math.min(a, b)));
        }),
      );
    }
  });

  it("are whole numbers that BullMQ takes, whatever a clock says", () => {
    fc.assert(
      fc.property(fc.constantFrom("scheduled" as const, "bulk" as const), fc.double({ noNaN: true }), (urgency, at) => {
        const priority = priorityOf(urgency, at);
        expect(Number.isInteger(priority)).toBe(true);
        expect(priority).toBeGreaterThanOrEqual(1);
        expect(priority).toBeLessThanOrEqual(LOWEST);
      }),
    );
    expect(priorityOf("bulk", Date.UTC(2045, 0, 1))).toBeLessThan(LOWEST);
    expect(priorityOf("bulk", Date.UTC(2046, 0, 1))).toBe(LOWEST);
  });
});

describe("ids", () => {
  it.each(["42", "0", "row-1", "j_1", "j_j_1", "_", "-"])("%s comes back from the queue", (id) => {
    expect(queueJobId(id)).toBe(`j_${id}`);
    expect(jobIdOf(queueJobId(id))).toBe(id);
  });

  it("are never all digits in the queue, which BullMQ would refuse, and have no colon", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/), (id) => {
        expect(queueJobId(id)).toMatch(/^j_[^:]+$/);
        expect(jobIdOf(queueJobId(id))).toBe(id);
      }),
    );
  });
});

it("jobs are queued so that BullMQ's own counters never decide", () => {
  expect(queueOptions(JOB)).toEqual({
    jobId: "j_row-1",
    priority: priorityOf("bulk", NOW),
    attempts: 1000,
    backoff: { type: "custom" },
    stackTraceLimit: 0,
  });
});

describe("decodeJob", () => {
  it("takes what a producer wrote", () => {
    expect(decodeJob(structuredClone(JOB))).toEqual({ is: "job", job: JOB });
  });

  it("takes jobs of producers that knew no deadline", () => {
    const { deadlineAt, ...older } = JOB;
    expect(deadlineAt).not.toBeNull();
    expect(decodeJob(older)).toEqual({ is: "job", job: { ...JOB, deadlineAt: null } });
  });

  it("takes a job of the version before", () => {
    expect(decodeJob({ ...JOB, version: 1 })).toEqual({ is: "job", job: { ...JOB, version: 1 } });
  });

  it("leaves a newer schema to a newer worker", () => {
    expect(decodeJob({ ...JOB, version: 3, input: { kind: "poem" } })).toEqual({ is: "newer", version: 3 });
  });

  it.each([
    ["nothing", undefined, "the queued job is invalid: "],
    ["a text", "x", "the queued job is invalid: "],
    ["an older version", { ...JOB, version: 0 }, "the queued job is invalid: version: "],
    ["an unknown kind", { ...JOB, input: { kind: "poem" } }, "the queued job is invalid: input"],
    ["a snapshot that is no hash", { ...JOB, snapshot: "../x" }, "the queued job is invalid: snapshot: 32 hex digits"],
    ["a deadline that is no time", { ...JOB, deadlineAt: 9e15 }, "the queued job is invalid: deadlineAt: "],
    ["a deadline that is a text", { ...JOB, deadlineAt: "now" }, "the queued job is invalid: deadlineAt: "],
    ["an id with a colon", { ...JOB, id: "a:b" }, "the queued job is invalid: id: 1–128 characters of A–Z a–z 0–9 _ -"],
    [
      "an empty prompt",
      { ...JOB, input: { ...JOB.input, prompt: " " } },
      "the queued job is invalid: input.prompt: text that is not empty",
    ],
    [
      "a key",
      { ...JOB, input: { ...JOB.input, context: { api_key: "canary" } } },
      "the queued job is invalid: input.context.api_key: no key here: keys live in the environment",
    ],
    [
      "NUL",
      { ...JOB, input: { ...JOB.input, context: { a: "\0" } } },
      "the queued job is invalid: input.context.a: text without NUL or lone surrogates",
    ],
    [
      "an oversized prompt",
      { ...JOB, input: { ...JOB.input, prompt: "x".repeat(300_000) } },
      "the queued job is invalid: job: at most ",
    ],
    [
      "endless nesting",
      { ...JOB, input: { ...JOB.input, context: JSON.parse("[".repeat(9000) + "]".repeat(9000)) } },
      "the queued job is invalid: job: at most 32 levels",
    ],
  ])("refuses %s and says why", (_, data, start) => {
    const decoded = decodeJob(data);
    if (decoded.is !== "invalid") throw new Error(`it was taken as ${decoded.is}`);
    expect(decoded.reason.startsWith(start), decoded.reason).toBe(true);
    expect(decoded.reason).not.toContain("canary");
    expect(decoded.reason.length).toBeLessThanOrEqual(500);
  });

  it("refuses reserved names, which JSON can have", () => {
    const json = JSON.stringify(JOB).replace('"topic"', '"__proto__"');
    expect(decodeJob(JSON.parse(json))).toEqual({
      is: "invalid",
      reason: "the queued job is invalid: input.context.__proto__: a field with another name",
    });
  });
});
