import type { Problem } from "../platform/problem.ts";

/** One row of an input file, or what is wrong with it. `line` is where it begins. */
export type Row =
  | { readonly line: number; readonly fields: Readonly<Record<string, unknown>>; readonly problem?: never }
  | { readonly line: number; readonly problem: Problem };
