import { z } from "zod";
import { ALERT_KINDS } from "../alerts/alert.ts";
import { strictObject } from "../platform/zod-faults.ts";
import { integerFrom, listOf, numberFrom } from "./schema-parts.ts";

const kindError = `a kind of alert: ${ALERT_KINDS.join(", ")}`;

/** What is told of, and how often. */
export const alerts = strictObject({
  /** How often an alert is sent again while it lasts. */
  repeatHours: numberFrom(0.01, 720, "hours, a number").default(4),
  /** A lane is stuck when its jobs wait for so long and none of them is begun or ended. */
  laneStuckMinutes: numberFrom(1, 1440, "minutes, a number").default(15),
  /** Workers die too often when this share of an hour's calls was cut off by that … */
  orphanShare: numberFrom(0.001, 1).default(0.05),
  /** … and at least so many. */
  orphanMinCount: integerFrom(1, 1_000_000).default(10),
  /** Kinds that are neither sent, logged nor shown. */
  ignored: listOf(z.enum(ALERT_KINDS, { error: kindError }), "kinds of alerts").default([]),
}).prefault({});
