import { shellWord } from "../platform/shell-word.ts";
import type { RunManifest } from "./bulk-run.ts";

/** The command that goes on with a run of files whose process has ended. @param flags those of it that are not known of the run */
export function goOnCommand(
  { input, output, agent }: { readonly input: string; readonly output: string } & Pick<RunManifest, "agent">,
  flags: readonly string[] = [],
): string {
  const own = agent === null ? [] : ["--agent", agent];
  return ["puppet-engine", "bulk", input, "--out", output, "--resume", ...own, ...flags].map(shellWord).join(" ");
}
