import { strictObject } from "../platform/zod-faults.ts";
import { integerFrom, seconds, numberFrom } from "./schema-parts.ts";

/** Delivery through the vendors' batch APIs. */
export const batch = strictObject({
  /** How long jobs wait for others before their batch is sent. */
  collectSeconds: seconds(60),
  /** How long after the last time a vendor is asked whether a batch is done; longer each time, up to five times. */
  pollSeconds: seconds(60),
  /** Jobs whose deadline is nearer are delivered live. */
  leastHours: numberFrom(0, 48, "hours, a number").default(2),
  /** Rows of one batch, at most. */
  maxRows: integerFrom(1, 100_000).default(10_000),
}).prefault({});
