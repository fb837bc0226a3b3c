import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JOB_KINDS, parseJobInput, payloadOf, URGENCIES, type GenerationJob } from "../../../src/job/generation-job.ts";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { decodeJob } from "../../../src/queue/job-codec.ts";

const RUNS = { numRuns: 500 };

/** Whatever a program can hand over, the names of a job's fields more often than others. */
const anything = fc.anything({
  key: fc.oneof(
    fc.constantFrom(
      "kind",
      "agent",
      "prompt",
      "mention",
      "context",
      "conversation_history",
      "id",
      "urgency",
      "deadline",
    ),
    fc.constantFrom("__proto__", "constructor", "api_key", "author", "text"),
    fc.string({ unit: "binary" }),
  ),
  values: [
    fc.constantFrom(...JOB_KINDS, ...URGENCIES, "ada"),
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.boolean(),
    fc.bigInt(),
    fc.constantFrom(null, undefined, Symbol("s"), () => 1),
  ],
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
  withSparseArray: true,
  maxDepth: 4,
});

/** Something whose outline at least is a job. */
const almostJob = fc.record(
  {
    kind: fc.oneof(fc.constantFrom(...JOB_KINDS), anything),
    agent: fc.oneof(fc.constant("ada"), anything),
    prompt: anything,
    mention: anything,
    context: anything,
    conversation_history: anything,
    id: fc.oneof(fc.string(), fc.integer(), anything),
    urgency: fc.oneof(fc.constantFrom(...URGENCIES), anything),
    deadline: fc.oneof(fc.constant("2026-11-25T18:00:00Z"), fc.integer(), fc.double(), fc.string(), anything),
  },
  { requiredKeys: ["kind"] },
);

const id = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/), fc.maxSafeNat());
const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
const written = text.filter((value) => value.trim() !== "");
const name = text.filter((value) => !/api.?key|password|proto/i.test(value) && value !== "constructor");
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
    fc.array(tie("json")),
    fc.dictionary(name, tie("json")),
  ),
}));
const deadlineMs = fc.nat(1_795_000_000_000);
const deadline = fc.oneof(
  deadlineMs,
  deadlineMs.map((ms) => new Date(ms).toISOString()),
);
const common = {
  id: fc.option(id, { nil: undefined }),
  urgency: fc.option(fc.constantFrom(...URGENCIES), { nil: undefined }),
  deadline: fc.option(deadline, { nil: undefined }),
  context: fc.dictionary(
    name.filter((value) => value !== "conversation_history"),
    json,
  ),
};
const message = fc.oneof(text, fc.record({ author: fc.option(text), text }));
const job = fc.oneof(
  fc.record({ kind: fc.constant("tweet" as const), agent: fc.constant("ada"), ...common }),
  fc.record({
    kind: fc.constant("reply" as const),
    agent: fc.constant("ada"),
    mention: written,
    conversation_history: fc.array(message),
    ...common,
  }),
  fc.record({ kind: fc.constant("content" as const), prompt: written, ...common }),
);

describe("parseJobInput", () => {
  it("throws InvalidInputError for anything that is no job, and nothing else ever", () => {
    fc.assert(
      fc.property(fc.oneof(anything, almostJob), (input) => {
        try {
          const parsed = parseJobInput(input);
          expect(JOB_KINDS).toContain(parsed.kind);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError);
          const { problems } = error as InvalidInputError;
          expect(problems.length).toBeGreaterThan(0);
          for (const { source, got, expected } of problems)
            expect([source, got !== "", expected !== ""]).toEqual(["job", true, true]);
        }
      }),
      RUNS,
    );
  });

  it("gives the same job again for what it gave", () => {
    fc.assert(
      fc.property(job, (input) => {
        const parsed = parseJobInput(input);
        expect(parseJobInput(parsed)).toEqual(parsed);
      }),
      RUNS,
    );
  });
});

describe("a job", () => {
  it("comes out of the queue as it went in", () => {
    fc.assert(
      fc.property(job, fc.nat(), (input, turn) => {
        const parsed = parseJobInput(input);
        const queued: GenerationJob = {
          version: 1,
          id: parsed.id ?? "made-up",
          agentId: "ada",
          snapshot: "0123456789abcdef0123456789abcdef",
          turn,
          urgency: parsed.urgency ?? "scheduled",
          enqueuedAt: 1_795_000_000_000,
          deadlineAt: parsed.deadline ?? null,
          input: payloadOf(parsed),
        };
        const json = JSON.stringify(queued);
        const decoded = decodeJob(JSON.parse(json));
        expect(decoded.is).toBe("job");
        if (decoded.is === "job") expect(JSON.stringify(decoded.job)).toBe(json);
      }),
      RUNS,
    );
  });
});

describe("decodeJob", () => {
  it("never throws, whatever stands in the queue", () => {
    fc.assert(
      fc.property(fc.oneof(anything, almostJob), (data) => {
        const decoded = decodeJob(data);
        expect(["job", "newer", "invalid"]).toContain(decoded.is);
      }),
      RUNS,
    );
  });
});
