/** `npm run test:faults` runs everything; `npm test` the short part of it. */
export const ALL_FAULTS = process.env["FAULTS"] === "all";

/** What a test draws its numbers from; printed with the test's name, and given back to replay it. */
export const FAULT_SEED = process.env["FAULT_SEED"] ?? String(Date.now() % 1_000_000);
