/** What is shown of usage: over which time, and what it is split by. */
export interface UsageView {
  /** As the address has it. */
  readonly range: string;
  /** Of UTC, today included. */
  readonly days: number;
  /** The last ones, that one included which has begun; `null`: whole days. Then only what is counted by the hour is known. */
  readonly hours: number | null;
  readonly by: "model" | "provider" | "agent" | "kind";
}
