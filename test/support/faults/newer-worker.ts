/*
 * Loaded before a worker's own program (`node --import`): makes it one of the next version, whose jobs have the next
 * number and are otherwise as they are now.
 */
import { registerHooks } from "node:module";
import { JOB_VERSION } from "../../../src/job/generation-job.ts";

const NEWER = `?job-version=${JOB_VERSION + 1}`;

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    // Under another name, because this module has loaded it already.
    return resolved.url.endsWith("/job/generation-job.ts") ? { ...resolved, url: `${resolved.url}${NEWER}` } : resolved;
  },
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(NEWER)) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array)
      .toString()
      .replace(`JOB_VERSION = ${JOB_VERSION};`, `JOB_VERSION = ${JOB_VERSION + 1};`)
      .replace(`z.literal(${JOB_VERSION})]`, `z.literal(${JOB_VERSION}), z.literal(${JOB_VERSION + 1})]`);
    return { ...loaded, source };
  },
});
