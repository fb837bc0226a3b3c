import type { SimilarText } from "../job/generation-result.ts";

/** Remembers what was written, so that no text is written twice. */
export interface VarietyGuard {
  /**
   * Notes the text as the job's, unless it is much like one of the agent's last texts or of anybody's of the last days.
   * One atomic step: of two jobs with the same text one is told of the other. A job's own earlier texts are no match.
   * @param evenIfSimilar note it whatever it is like
   * @returns the text it is most like; `null`: none
   */
  claim(text: WrittenText, evenIfSimilar: boolean): Promise<SimilarText | null>;
}

export interface WrittenText {
  readonly jobId: string;
  readonly agentId: string;
  readonly text: string;
}
