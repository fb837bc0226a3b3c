import { SIGNATURE_BYTES } from "./signature.ts";

/** Of the hash and the time, see `scripts/claim-text.lua`. */
const HEAD_BYTES = 12;

/** @param entry hash, time, signature or nothing, agent, LF, job; `null`: it is gone */
export function isTextOf(entry: Buffer | null, agentId: string): boolean {
  const agent = Buffer.from(`${agentId}\n`);
  return [HEAD_BYTES, HEAD_BYTES + SIGNATURE_BYTES].some((at) => entry?.subarray(at, at + agent.length).equals(agent));
}
