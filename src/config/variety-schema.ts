import { z } from "zod";
import { strictObject } from "../platform/zod-faults.ts";
import { integerFrom, numberFrom } from "./schema-parts.ts";

/** The guard against texts that are much like earlier ones. */
export const variety = strictObject({
  enabled: z.boolean({ error: "true or false" }).default(true),
  /** Jaccard similarity of character 4-grams from which on two texts are too much alike. */
  similarity: numberFrom(0.5, 1, "a number").default(0.7),
  /** An agent's last texts that are compared, whatever their age. */
  agentTexts: integerFrom(1, 1000).default(200),
  /** How long the texts of all agents are compared. */
  days: numberFrom(0.001, 90, "days, a number").default(7),
}).prefault({});
