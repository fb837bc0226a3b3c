import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { createAbortWatch } from "../../../src/platform/on-abort.ts";

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

it("puts one listener on a signal, however many wait for it, and takes it away with the last", () => {
  const watch = createAbortWatch();
  const { signal } = new AbortController();
  const ends = Array.from({ length: 1000 }, () => watch.on(signal, () => undefined));
  expect(listenersOf(signal)).toBe(1);
  ends.slice(1).forEach((end) => end());
  expect(listenersOf(signal)).toBe(1);
  ends[0]?.();
  ends[0]?.();
  expect(listenersOf(signal)).toBe(0);
});

it("tells all who still wait, once, those of other signals not, and also those who come after a pause", () => {
  const watch = createAbortWatch();
  const [first, second] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  watch.on(first.signal, () => told.push("gone"))();
  const endOfB = watch.on(first.signal, () => told.push("b"));
  watch.on(first.signal, () => {
    told.push("a");
    endOfB();
  });
  watch.on(second.signal, () => told.push("c"));
  first.abort();
  first.abort();
  expect(told).toEqual(["b", "a"]);
  second.abort();
  expect(told).toEqual(["b", "a", "c"]);
});
