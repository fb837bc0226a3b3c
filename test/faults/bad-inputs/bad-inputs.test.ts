import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import { openMonitor } from "../../integration/monitor/open-monitor.ts";
import { connectTestRedis, testNamespace, testRedisUrl } from "../../support/redis.ts";
import { describeMatrix } from "./document.ts";
import { MATRIX } from "./matrix.ts";
import { DOORS, type Case, type ShownCase, type TriedCase } from "./matrix-types.ts";
import { runAttempt, type Outcome, type Place } from "./run-attempt.ts";

/* docs/bad-inputs.md is this table. After a change of it: npx vitest run -u test/faults/bad-inputs. */

const ROOT = join(import.meta.dirname, "../../..");
/** It does not fit on a terminal's screen, however wide. */
const LONGEST_LINE = 1500;
const MIA = { id: "mia", name: "Mia", llm_provider: "fake" };

interface OpenedPlace extends Place {
  readonly redis: Redis;
}

const opened = new AsyncDisposableStack();
let place: OpenedPlace | undefined;

/** Opened by the first test, because a namespace belongs to one. */
async function openPlace(): Promise<OpenedPlace> {
  if (place !== undefined) return place;
  const namespace = testNamespace();
  const redis = opened.use(await connectTestRedis());
  const { url } = opened.use(await openMonitor({ namespace, agents: [MIA] }));
  return (place = { redisUrl: testRedisUrl(), namespace, monitorUrl: url, redis });
}
afterAll(async () => await opened.disposeAsync());

const isTried = (one: Case): one is TriedCase => "attempt" in one;

const TRIED = MATRIX.flatMap(({ input, cells }) =>
  DOORS.flatMap((door) => {
    const cell = cells[door];
    const tried = typeof cell === "string" ? [] : cell.filter(isTried);
    return tried.map((one) => [`${input} › ${door}: ${one.given.replaceAll("\n", "⏎").slice(0, 100)}`, one] as const);
  }),
);

describe("what is tried", () => {
  it.each(TRIED)("%s", async (_, { attempt, ends, says, keeps }) => {
    const here = await openPlace();
    const before = await enqueued(here);
    const outcome = await runAttempt(attempt, here);
    expect({ ends: outcome.ends, output: outcome.output }).toEqual({ ends, output: outcome.output });
    expectSaid(outcome, says);
    expect(outcome.output.toLowerCase()).not.toContain("canary");
    expect(outcome.output).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
    expect(outcome.errors.filter((line) => line.length > LONGEST_LINE)).toEqual([]);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain("canary");
    // What is refused leaves nothing behind, but for the first of two jobs that have one id.
    if (outcome.errors.length > 0 && outcome.ends !== "JobConflictError") expect(await enqueued(here)).toEqual(before);
    if (keeps !== undefined) expect(await textOf(keeps.id, here)).toContain(JSON.stringify(keeps.text).slice(1, -1));
  });
});

describe("what other tests show", () => {
  const shown = MATRIX.flatMap(({ id, cells }) =>
    Object.values(cells).flatMap((cell) =>
      typeof cell === "string"
        ? []
        : cell.filter((one): one is ShownCase => !isTried(one)).map(({ shownBy }) => `${id}: ${shownBy}`),
    ),
  );

  it("is shown by tests that there are", () => {
    expect(shown.length).toBeGreaterThan(10);
    const missing = shown.filter((reference) => {
      const [path = "", title = ""] = reference.split(": ").slice(1).join(": ").split(" › ");
      const file = join(ROOT, path);
      return !existsSync(file) || !titlesOf(readFileSync(file, "utf8")).includes(title);
    });
    expect(missing).toEqual([]);
  });
});

describe("the table", () => {
  it("has each of its rows once, and every door in every row", () => {
    expect(new Set(MATRIX.map(({ id }) => id)).size).toBe(29);
    for (const { id, cells } of MATRIX) {
      expect(Object.keys(cells).sort(), id).toEqual([...DOORS].sort());
      const empty = Object.entries(cells).filter(([, cell]) => cell.length === 0);
      expect(empty, id).toEqual([]);
    }
  });

  it("is docs/bad-inputs.md", async () => {
    await expect(await describeMatrix(MATRIX)).toMatchFileSnapshot(join(ROOT, "docs/bad-inputs.md"));
  });
});

/** Titles of tests as they stand in a source. */
function titlesOf(source: string): readonly string[] {
  return [...source.matchAll(/["'`](.*)["'`],/g)].map(([, title = ""]) => title.replaceAll('\\"', '"'));
}

function expectSaid({ errors, output }: Outcome, says: readonly string[]): void {
  const patterns = says.map(patternOf);
  if (errors.length > 0) {
    const fits = errors.length === says.length && errors.every((line, index) => patterns[index]?.test(line) === true);
    // Shown as a difference, which a comparison of patterns would not be.
    expect(fits ? says : errors).toEqual(says);
    return;
  }
  const lines = output.split("\n");
  const missing = says.filter((_, index) => !lines.some((line) => patterns[index]?.test(line) === true));
  expect({ missing, output }).toEqual({ missing: [], output });
}

function patternOf(said: string): RegExp {
  return new RegExp(`^${said.split("…").map(escaped).join("[^]*")}$`, "u");
}

async function enqueued({ redis, namespace }: OpenedPlace): Promise<readonly string[]> {
  return (await redis.keys(`*${namespace}*:j_*`)).sort();
}

/** A job as it lies in the queue. */
async function textOf(id: string, { redis, namespace }: OpenedPlace): Promise<string> {
  const [key = ""] = await redis.keys(`*${namespace}*:j_${id}`);
  return (await redis.hget(key, "data")) ?? "";
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
