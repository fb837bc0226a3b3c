import type { Command } from "commander";
import type { ExitCode } from "./exit-codes.ts";

/** A command adds itself to the program, and says how it ended. */
export type AddCommand = (program: Command, end: (code: ExitCode) => void) => void;
