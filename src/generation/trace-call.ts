import type { UsageRecord } from "../job/usage-record.ts";
import type { GenerateResponse, SamplingParameters } from "../providers/provider.ts";

/** A provider call that is about to be made, for whoever traces it. Nothing of prompts is in here. */
export interface TracedCall {
  /** What is known of the call before it is made. */
  readonly intent: UsageRecord;
  /** The lane that the job was taken from. */
  readonly lane: string;
  readonly parameters: SamplingParameters;
  /** The most that the call may write. */
  readonly capTokens: number;
}

/** What came of it. The text in `response` is not for traces. */
export interface TracedOutcome {
  readonly row: UsageRecord;
  /** `null` when the call failed. */
  readonly response: GenerateResponse | null;
}

/** Makes the call, within a span. Adds no error of its own. */
export type TraceCall = <Outcome extends TracedOutcome>(
  call: TracedCall,
  make: () => Promise<Outcome>,
) => Promise<Outcome>;
