import { unconfigured } from "./next-step.ts";
import type { GenerationDependencies, Run, RunInput } from "./run.ts";

/** A run that knows nothing yet. */
export function newRun(input: RunInput, deps: GenerationDependencies): Run {
  return {
    ...input,
    deps,
    unavailable: unconfigured(input.agent, deps),
    history: [],
    knownAttempts: 0,
    knowsHistory: false,
    waitedMs: 0,
    messages: undefined,
    draft: null,
    ticket: null,
  };
}
