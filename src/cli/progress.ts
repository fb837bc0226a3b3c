import { Presets, SingleBar } from "cli-progress";
import type { BulkProgress } from "../bulk/run-bulk.ts";
import { duration, formatUsd } from "../platform/numbers.ts";

/** Shows how a bulk run goes on. */
export interface ProgressView {
  update(progress: Readonly<BulkProgress>): void;
  /** A line of its own, which stays. */
  say(line: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 5000;

/** A live bar on a terminal, a line now and then elsewhere when something has changed, nothing for machines. Goes to standard error. */
export function progressView(total: number, { silent }: { silent: boolean }): ProgressView {
  if (silent) return { update: () => undefined, say: sayLine, stop: () => undefined };
  return process.stderr.isTTY ? bar(total) : lines();
}

/** ECMA-48: erase to the end of the line. */
const CLEAR_LINE = "\u001b[K";

function sayLine(line: string): void {
  console.error(line);
}

function bar(total: number): ProgressView {
  const format =
    "{bar} {percentage}% | {value}/{total} done | {failed} failed | {cost} USD | {elapsed} elapsed, {left} left";
  const view = new SingleBar(
    { format, stream: process.stderr, hideCursor: true, fps: 8, barsize: 30 },
    Presets.shades_classic,
  );
  const startedMs = performance.now();
  view.start(total, 0, { failed: 0, cost: "0", elapsed: "0 s", left: "?" });
  return {
    update(progress) {
      const done = progress.succeeded + progress.failed;
      const elapsedMs = performance.now() - startedMs;
      const left = done === 0 ? "?" : duration((elapsedMs / done) * (total - done));
      view.update(done, {
        failed: progress.failed,
        cost: formatUsd(progress.costMicroUsd),
        elapsed: duration(elapsedMs),
        left,
      });
    },
    // Over the bar, which is drawn again below it.
    say: (line) => process.stderr.write(`\r${CLEAR_LINE}${line}\n`),
    stop: () => view.stop(),
  };
}

function lines(): ProgressView {
  let last: Readonly<BulkProgress> | undefined;
  let printed = "";
  const print = (): void => {
    const line = last === undefined ? "" : progressLine(last);
    if (line !== printed) console.error(line);
    printed = line;
  };
  const timer = setInterval(print, LINE_EVERY_MS).unref();
  return {
    update: (progress) => (last = progress),
    say: sayLine,
    stop() {
      clearInterval(timer);
      print();
    },
  };
}

export function progressLine({ total, enqueued, succeeded, failed, costMicroUsd }: Readonly<BulkProgress>): string {
  return `${succeeded + failed}/${total} done, ${failed} failed, ${enqueued} enqueued, ${formatUsd(costMicroUsd)} USD`;
}
