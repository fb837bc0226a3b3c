import type { Redis } from "ioredis";
import { countWorkers } from "../admission/sweeper.ts";
import { inspectRedis } from "../platform/redis-inspection.ts";
import type { Finding } from "./finding.ts";

/** Redis starts with 10; delayed jobs are as late as its clock is coarse. */
const GOOD_HZ = 100;

/** @throws what the connection throws */
export async function checkRedis(redis: Redis, namespace: string): Promise<Finding[]> {
  const { version, hz, warnings } = await inspectRedis(redis);
  const workers = await countWorkers(redis, namespace);
  const findings: Finding[] = [{ level: "ok", area: "Redis", text: `version ${version}, answers` }];
  for (const warning of warnings) {
    const [text = warning, fix] = warning.split("; ");
    findings.push({ level: "error", area: "Redis", text, ...(fix === undefined ? {} : { fix }) });
  }
  if (warnings.length === 0)
    findings.push({ level: "ok", area: "Redis", text: "keeps what it is given: noeviction, append-only file on" });
  if (hz !== null && hz < GOOD_HZ) {
    findings.push({
      level: "warning",
      area: "Redis",
      text: `hz is ${hz}: delayed jobs start up to ${Math.round(1000 / hz)} ms late`,
      fix: `set hz ${GOOD_HZ}`,
    });
  }
  findings.push(
    workers > 0
      ? { level: "ok", area: "Redis", text: `${workers} worker(s) live in namespace ${namespace}` }
      : {
          level: "warning",
          area: "Redis",
          text: `no worker lives in namespace ${namespace}`,
          fix: "start one: puppet-engine worker",
        },
  );
  return findings;
}
