import { writeSync } from "node:fs";
import { scrub } from "./secrets.ts";

const STANDARD_ERROR = 2;
/** As Node ends after an error that nobody caught. */
const CRASHED = 1;
const MOST_CAUSES = 5;

/**
 * For programs, before anything else: what they print for people, and what they say last when they crash, is without
 * secrets. (Logs are scrubbed by the logger, which does not come this way.)
 */
export function guardOutput(): void {
  const { stderr } = process;
  const write = stderr.write.bind(stderr) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stderr.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === "string" ? scrub(chunk) : chunk, ...rest);
  // Rejections that nobody handles come here as well.
  process.on("uncaughtException", (error: unknown) => {
    writeSync(STANDARD_ERROR, `${scrub(describeCrash(error))}\n`);
    process.exit(CRASHED);
  });
}

/** Node itself would print all fields of an error: one of Redis carries its command, and that a password or a whole job. */
function describeCrash(error: unknown): string {
  const parts: string[] = [];
  for (let part = error; parts.length < MOST_CAUSES && part !== undefined;) {
    parts.push(part instanceof Error ? (part.stack ?? part.message) : `something that is no error (${typeof part})`);
    part = part instanceof Error ? part.cause : undefined;
  }
  return `crashed: ${parts.join("\ncaused by: ")}`;
}
