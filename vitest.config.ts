import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Where the JSON report goes when CI is set; `.ci/run` reads its counts. */
const REPORT = "out/test-report.json";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/leak-check.ts"],
    // Processes of their own, which go from file to file: loading the code anew for each takes as long as the tests of most.
    // leak-check.ts holds every file to leave nothing behind for the next.
    pool: "forks",
    isolate: false,
    // Most of them wait for other processes most of the time: two share two cores well.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Generous: tests wait for conditions, so a slow machine costs time and nothing else.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Tests of one file that run together wait most of the time, for other processes or for time to pass.
    maxConcurrency: 8,
    retry: 0,
    reporters: process.env["CI"] === undefined ? ["default"] : ["default", ["json", { outputFile: REPORT }]],
  },
});
