import { countWorkers } from "../admission/sweeper.ts";
import type { RedisClient } from "../platform/redis-client.ts";
import { inspectRedis } from "../platform/redis-inspection.ts";
import { whyNotWritable } from "../platform/redis-write-probe.ts";
import type { Finding } from "./finding.ts";

/** Redis starts with 10; delayed jobs are as late as its clock is coarse. */
const GOOD_HZ = 100;

/** @throws what the connection throws */
export async function checkRedis(redis: RedisClient, namespace: string): Promise<Finding[]> {
  const { version, hz, warnings } = await inspectRedis(redis);
  const refusal = await whyNotWritable(redis, namespace);
  const workers = await countWorkers(redis, namespace);
  const problems = refusal === null ? warnings : [...warnings, refusal];
  const findings: Finding[] = [{ level: "ok", area: "Redis", text: `version ${version}, answers` }];
  for (const problem of problems) findings.push(finding("error", ...splitOff(problem)));
  if (problems.length === 0) findings.push(finding("ok", "keeps what it is given: noeviction, append-only file on"));
  if (hz !== null && hz < GOOD_HZ) {
    const text = `hz is ${hz}: delayed jobs start up to ${Math.round(1000 / hz)} ms late`;
    findings.push(finding("warning", text, `set hz ${GOOD_HZ}`));
  }
  findings.push(
    workers > 0
      ? finding("ok", `${workers} worker(s) live in namespace ${namespace}`)
      : finding("warning", `no worker lives in namespace ${namespace}`, "start one: puppet-engine worker"),
  );
  return findings;
}

function finding(level: Finding["level"], text: string, fix?: string): Finding {
  return { level, area: "Redis", text, ...(fix !== undefined && { fix }) };
}

/** Problems of Redis read `what is wrong; what to do`. */
function splitOff(problem: string): [text: string, fix?: string] {
  const semicolon = problem.indexOf("; ");
  return semicolon === -1 ? [problem] : [problem.slice(0, semicolon), problem.slice(semicolon + 2)];
}
