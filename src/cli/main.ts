#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { guardOutput } from "../platform/guard-output.ts";
import { exitSoon } from "../platform/shutdown.ts";
import { keepHeapSmall } from "../platform/small-heap.ts";

guardOutput();

const args = process.argv.slice(2);
// A million rows pass through it. Before anything else is loaded: the heap does not shrink again. A worker in the same process
// is quicker with more memory.
if (args[0] === "bulk" && !args.includes("--worker")) keepHeapSmall();

// Halves the time to the first line: compiled code is kept in the system's temporary folder.
enableCompileCache();
const { runProgram } = await import("./program.ts");

// `puppet-engine … | head` closes our output early: no defect, but not all was written either.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(1);
});

process.exitCode = await runProgram(args);
exitSoon();
