import { describe, expect, it } from "vitest";
import { throttledFeed, type FeedClock, type TextFeed } from "../../../src/storage/text-feed.ts";

/** A feed in a time of its own, and somebody who notes what it publishes and when. */
interface Bench {
  readonly feed: TextFeed;
  /** `[ms, text]` */
  readonly published: (readonly [number, string])[];
  readonly alarms: ReadonlyMap<object, unknown>;
  /** How many listen; `Error`: Redis does not take it; a promise: it has not answered yet. */
  listeners: number | Error | Promise<number>;
  /** Lets time pass, alarm by alarm. */
  pass(ms: number): Promise<void>;
}

function openBench(listeners: Bench["listeners"]): Bench {
  let nowMs = 0;
  const alarms = new Map<object, { readonly atMs: number; readonly run: () => void }>();
  const clock: FeedClock = {
    monotonicMs: () => nowMs,
    after(ms, run) {
      const key = {};
      alarms.set(key, { atMs: nowMs + ms, run });
      return () => void alarms.delete(key);
    },
  };
  const published: [number, string][] = [];
  const publish = async (text: string): Promise<number> => {
    published.push([nowMs, text]);
    if (bench.listeners instanceof Error) throw bench.listeners;
    return await bench.listeners;
  };
  const bench: Bench = {
    feed: throttledFeed(publish, clock),
    published,
    alarms,
    listeners,
    async pass(ms) {
      const untilMs = nowMs + ms;
      await settled();
      for (;;) {
        const [next] = [...alarms].filter(([, { atMs }]) => atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs);
        if (next === undefined) break;
        const [key, { atMs, run }] = next;
        alarms.delete(key);
        nowMs = atMs;
        run();
        await settled();
      }
      nowMs = untilMs;
    },
  };
  return bench;
}

/** Until everything that hangs on resolved promises has been done. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** `onText` every 10 ms. */
async function write({ feed, pass }: Bench, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    feed.onText(text);
    await pass(10);
  }
}

const GROWING = Array.from({ length: 100 }, (_, index) => "x".repeat(index + 1));

describe("a text that grows for a second", () => {
  it("is published every 100 ms while somebody listens, the newest each time", async () => {
    const bench = openBench(1);
    await write(bench, GROWING);
    const pauses = bench.published.map(([atMs], index) => atMs - (bench.published[index - 1]?.[0] ?? -100));
    expect(bench.published).toHaveLength(10);
    expect(bench.published[0]).toEqual([0, "x"]);
    for (const pause of pauses) expect(Math.round(pause / 10) * 10).toBe(100);
    // At t ms it has t / 10 + 1 characters.
    for (const [atMs, text] of bench.published) expect(text).toHaveLength(Math.floor(atMs / 10) + 1);
  });

  it("is published every 500 ms while nobody does, for whoever comes later", async () => {
    const bench = openBench(0);
    await write(bench, GROWING);
    expect(bench.published.map(([atMs]) => Math.round(atMs / 10) * 10)).toEqual([0, 500]);
    bench.listeners = 1;
    await write(bench, GROWING);
    expect(bench.published.length).toBeGreaterThanOrEqual(2 + 9);
  });

  it("is published less often as it becomes long", async () => {
    const bench = openBench(1);
    await write(
      bench,
      GROWING.map((text) => "x".repeat(4096) + text),
    );
    expect(bench.published).toHaveLength(5);
  });

  it("has one message under way at most, and goes on with the newest text", async () => {
    const answer = Promise.withResolvers<number>();
    const bench = openBench(answer.promise);
    await write(bench, GROWING);
    expect(bench.published).toEqual([[0, "x"]]);
    bench.listeners = 1;
    answer.resolve(1);
    await bench.pass(0);
    expect(bench.published.slice(1)).toEqual([[1000, "x".repeat(100)]]);
  });

  it("is dropped where Redis does not take it, and tried again later", async () => {
    const bench = openBench(new Error("Connection is closed."));
    await write(bench, GROWING);
    expect(bench.published.map(([atMs]) => Math.round(atMs / 10) * 10)).toEqual([0, 500]);
  });
});

it("a text that stands still is published in the end, once", async () => {
  const bench = openBench(1);
  await write(bench, ["a", "ab"]);
  await bench.pass(10_000);
  expect(bench.published.map(([, text]) => text)).toEqual(["a", "ab"]);
  expect(bench.alarms.size).toBe(0);
});

it("nothing remains of a feed that is closed, and nothing comes of it any more", async () => {
  const bench = openBench(1);
  await write(bench, ["a", "ab"]);
  expect(bench.alarms.size).toBe(1);
  bench.feed.close();
  expect(bench.alarms.size).toBe(0);
  bench.feed.onText("abc");
  await bench.pass(10_000);
  expect(bench.published).toEqual([[0, "a"]]);
});

it("a feed that is closed while a message is under way plans none after it", async () => {
  const answer = Promise.withResolvers<number>();
  const bench = openBench(answer.promise);
  await write(bench, ["a", "ab"]);
  bench.feed.close();
  answer.resolve(1);
  await bench.pass(10_000);
  expect(bench.published).toEqual([[0, "a"]]);
});
