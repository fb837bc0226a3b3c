import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startProgram, type ProgramResult } from "../support/run-cli.ts";

const MAIN = join(import.meta.dirname, "../../bench/main.ts");

async function bench(...args: string[]): Promise<ProgramResult> {
  await using program = startProgram([MAIN, ...args]);
  return await program.ended;
}

describe("npm run bench", () => {
  it("lists its benchmarks and their options", async () => {
    const { code, stdout } = await bench("limits", "--help");
    expect(code).toBe(0);
    for (const name of ["throughput", "limits", "failover", "lanes"])
      expect(stdout).toMatch(new RegExp(`^${name}: `, "m"));
    expect(stdout).toContain("--rounds       runs of every contestant (default 3)");
  });

  it.each([
    [["nope"], "unknown benchmark nope; there are: throughput, limits, failover, lanes, priority, variety, bulk"],
    [
      ["constructor"],
      "unknown benchmark constructor; there are: throughput, limits, failover, lanes, priority, variety, bulk",
    ],
    [["limits", "--jobs", "0"], "--jobs: got 0; expected a count, from 1"],
    [["--rounds", "many"], "--rounds: got many; expected a count, from 1"],
    [["lanes", "--jobbs", "5"], "Unknown option '--jobbs'"],
    [["limits", "--scenario", "nope"], "--scenario: got nope; expected the beginning of one of requests-1, "],
    [["failover", "--failure", "nope"], "--failure: got nope; expected the beginning of one of refuses, hangs, "],
    [["lanes", "--beside", "nope"], "--beside: got nope; expected the beginning of one of limited, paused, "],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await bench(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
