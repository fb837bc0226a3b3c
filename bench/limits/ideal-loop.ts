/** The floor: one process that knows the limit and the size of every answer, and sends at exactly the vendor's pace. */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { LimitedVendorOptions } from "../../test/support/limited-vendor.ts";
import { serveRequests } from "../programs.ts";
import { MODEL, SYSTEM_PROMPT, TOPIC } from "../prompt.ts";
import { earliestStarts } from "./scenarios.ts";

export interface IdealRequest {
  readonly baseUrl: string;
  readonly vendor: LimitedVendorOptions;
  readonly jobs: number;
}

export interface IdealProgram {
  /** @returns the wall time in ms */
  run(request: IdealRequest): Promise<number>;
}

const dispatcher = new Agent({ connections: 128 });
const BODY = JSON.stringify({
  model: MODEL,
  messages: [
    { role: "system", content: SYSTEM_PROMPT },
    { role: "user", content: `Write a post about ${TOPIC}.` },
  ],
  max_completion_tokens: 280,
});
/** The burst takes longer to arrive than a single call; without this the calls after it would come too early. */
const MARGIN_MS = 10;

serveRequests<IdealProgram>({
  async run({ baseUrl, vendor, jobs }) {
    const startedAt = performance.now();
    const pace = { lateByMs: MARGIN_MS };
    const calls: Promise<void>[] = [];
    for (const startMs of earliestStarts(vendor, jobs)) {
      const at = (): number => (startMs === 0 ? 0 : startedAt + startMs + pace.lateByMs);
      while (at() > performance.now()) await sleep(Math.ceil(at() - performance.now()));
      calls.push(call(baseUrl, pace));
    }
    await Promise.all(calls);
    return performance.now() - startedAt;
  },
});

/** Until it is accepted. Everything after a refusal is that much later. */
async function call(baseUrl: string, pace: { lateByMs: number }): Promise<void> {
  for (;;) {
    const { statusCode, headers, body } = await request(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer bench", "content-type": "application/json" },
      body: BODY,
      dispatcher,
    });
    await body.dump();
    if (statusCode === 200) return;
    const waitMs = Number(headers["retry-after-ms"] ?? MARGIN_MS);
    pace.lateByMs += waitMs;
    await sleep(waitMs);
  }
}
