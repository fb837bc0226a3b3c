import { expect, it, vi } from "vitest";
import type { BulkProgress } from "../../../src/bulk/run-bulk.ts";
import { progressView } from "../../../src/cli/progress.ts";

const PROGRESS: BulkProgress = {
  ...{ total: 4, enqueued: 4, finishedBefore: 0, succeeded: 0, failed: 0, refused: 0, costMicroUsd: 0 },
};

it("off a terminal, progress is a line when it has changed", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const lines: unknown[] = [];
  const error = vi.spyOn(console, "error").mockImplementation((line) => void lines.push(line));
  try {
    const view = progressView(4, { silent: false });
    vi.advanceTimersByTime(60_000);
    view.update({ ...PROGRESS });
    vi.advanceTimersByTime(60_000);
    view.update({ ...PROGRESS, succeeded: 4 });
    vi.advanceTimersByTime(60_000);
    view.stop();
  } finally {
    error.mockRestore();
    vi.useRealTimers();
  }
  expect(lines).toEqual(["0/4 done, 0 failed, 4 enqueued, 0 USD", "4/4 done, 0 failed, 4 enqueued, 0 USD"]);
});
