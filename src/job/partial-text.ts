import { z } from "zod";
import type { GenerationResult } from "./generation-result.ts";

const partialText = z.object({
  attempt: z.int(),
  provider: z.string(),
  model: z.string(),
  text: z.string(),
});

/** What an attempt has written so far: all of it, so that who comes late or misses one lacks nothing. */
export interface PartialText {
  /** Counted from 1 over the whole job. Another attempt starts its text anew. */
  readonly attempt: number;
  readonly provider: string;
  readonly model: string;
  readonly text: string;
}

/** `text`: it has grown, or a new attempt has begun to write. `result`: the job is over, and nothing comes after it. */
export type FollowEvent =
  ({ readonly type: "text" } & PartialText) | { readonly type: "result"; readonly result: GenerationResult };

/** @returns `null` for anything else */
export function parsePartialText(message: string): PartialText | null {
  try {
    return partialText.safeParse(JSON.parse(message)).data ?? null;
  } catch {
    return null;
  }
}
