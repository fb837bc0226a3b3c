import { roundedDuration } from "../platform/numbers.ts";

const REMEDIES: Readonly<Record<string, string>> = {
  "quota-exhausted": "top up at the vendor",
  authentication: "replace the key and restart the workers",
  "model-not-found": "correct the model's name in the agents",
  certificate: "look at the endpoint's certificate, and at what stands between",
  "refused-address": "correct the endpoint, or name its host in trustedEndpointHosts",
};

/** Why something is paused, what to do about it, and for how long it is. */
export function pauseWords(why: string, forMs: number): string {
  const remedy = REMEDIES[why];
  return `${why}; ${remedy === undefined ? "" : `${remedy}; `}workers look again in ${roundedDuration(forMs)}`;
}
