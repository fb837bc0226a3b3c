import type { LimitedVendorOptions, VendorCounts } from "../../test/support/limited-vendor.ts";

/** What `vendor.ts` can be asked. */
export interface LimitedVendorProgram {
  /** A new one; the one before it is closed. @returns its base URL */
  start(options: LimitedVendorOptions): Promise<string>;
  /** Waits until all limits are unused, and forgets the calls. */
  refill(): Promise<void>;
  counts(): Promise<VendorCounts>;
}
