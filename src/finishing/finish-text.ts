import type { JobKind } from "../job/generation-job.ts";
import type { TextChange } from "../job/generation-result.ts";
import { plainWhitespace, removeInvalidCharacters } from "./invalid-characters.ts";
import { removeMarkdown } from "./markdown.ts";
import { weightedLength } from "./weighted-length.ts";
import { findError, findRefusal } from "./what-is-wrong.ts";
import { removeLabel, removeOwnHandle, removeQuotes } from "./wrapping.ts";

export interface FinishOptions {
  readonly kind: JobKind;
  /** Most that the text may be, as X counts; `null`: no limit. */
  readonly limit: number | null;
  /** Of the agent, without `@`. */
  readonly ownHandles: readonly string[];
}

export type Finished =
  | {
      readonly usable: true;
      readonly text: string;
      readonly changes: readonly TextChange[];
      readonly weightedLength: number;
      readonly fits: boolean;
    }
  | {
      readonly usable: false;
      readonly why: "empty" | "refusal" | "error-like";
      /** For people: how it begins. */
      readonly detail: string;
    };

type Removal = readonly [change: TextChange, remove: (text: string) => string];

const THOUGHTS = /<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/gi;
/** Some models leave the opening out, and some never come to an end. */
const END_OF_THOUGHTS = /^[\s\S]*<\/think(?:ing)?>/i;
const UNENDED_THOUGHTS = /<think(?:ing)?>[\s\S]*$/i;

const ALWAYS: readonly Removal[] = [
  ["thoughts-removed", (text) => text.replace(THOUGHTS, "").replace(END_OF_THOUGHTS, "").replace(UNENDED_THOUGHTS, "")],
  ["characters-removed", removeInvalidCharacters],
];
const OF_POSTS: readonly Removal[] = [
  ["characters-removed", plainWhitespace],
  ["label-removed", removeLabel],
  ["quotes-removed", removeQuotes],
  ["markdown-removed", removeMarkdown],
];

/** A text that is still wrapped after so many times is nothing but wrapping. */
const MOST_ROUNDS = 10;
/** A refusal to write something is short; a long text that begins like one is about something. */
const LONGEST_REFUSAL_OF_CONTENT = 300;

/**
 * Makes a post of what a model wrote: what was put around it is taken off, and what is no post is told. Finishing a
 * finished text changes nothing. Of `content` nothing is taken but thoughts and characters that no text should have.
 */
export function finishText(raw: string, options: FinishOptions): Finished {
  const removals = removalsFor(options);
  const changes = new Set<TextChange>();
  let text = raw.trim();
  for (let round = 0; ; round++) {
    const before = text;
    for (const [change, remove] of removals) {
      const rest = remove(text);
      if (rest !== text) changes.add(change);
      text = rest.trim();
    }
    if (text === before) break;
    if (round === MOST_ROUNDS) return { usable: false, why: "empty", detail: "it is nothing but labels and quotes" };
  }
  const wrong = whatIsWrong(text, options);
  if (wrong !== null) return wrong;
  const length = weightedLength(text);
  const inOrder = [...new Set(removals.map(([change]) => change))].filter((change) => changes.has(change));
  const fits = options.limit === null || length <= options.limit;
  return { usable: true, text, changes: inOrder, weightedLength: length, fits };
}

function removalsFor({ kind, ownHandles }: FinishOptions): readonly Removal[] {
  if (kind === "content") return ALWAYS;
  if (kind !== "reply") return [...ALWAYS, ...OF_POSTS];
  return [...ALWAYS, ...OF_POSTS, ["handle-removed", (text) => removeOwnHandle(text, ownHandles)]];
}

function whatIsWrong(text: string, { kind }: FinishOptions): (Finished & { usable: false }) | null {
  if (text === "") return { usable: false, why: "empty", detail: "nothing is left of it" };
  const mayBeRefusal = kind !== "content" || text.length < LONGEST_REFUSAL_OF_CONTENT;
  const refusal = mayBeRefusal ? findRefusal(text) : null;
  if (refusal !== null) return { usable: false, why: "refusal", detail: refusal };
  const error = kind === "content" ? null : findError(text);
  return error === null ? null : { usable: false, why: "error-like", detail: error };
}
