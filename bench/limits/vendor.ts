/** The limited vendor as a process of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { startLimitedVendor, type LimitedVendor } from "../../test/support/limited-vendor.ts";
import { serveRequests } from "../programs.ts";
import type { LimitedVendorProgram } from "./vendor-program.ts";

let vendor: LimitedVendor | undefined;

serveRequests<LimitedVendorProgram>({
  async start(options) {
    await vendor?.[Symbol.asyncDispose]();
    vendor = await startLimitedVendor(options);
    return vendor.baseUrl;
  },
  async refill() {
    for (;;) {
      const waitMs = vendor?.fullInMs() ?? 0;
      if (waitMs === 0) return vendor?.restart();
      await sleep(Math.ceil(waitMs));
    }
  },
  counts: async () => vendor?.counts() ?? { accepted: 0, refused: 0, tokens: 0 },
});
