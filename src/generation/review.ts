import type { Agent } from "../agents/agent.ts";
import { cutFinished } from "../finishing/cut-text.ts";
import { dropUnfinished } from "../finishing/drop-unfinished.ts";
import { finishText, type FinishOptions, type Finished } from "../finishing/finish-text.ts";
import { reasonsToHold } from "../finishing/reasons-to-hold.ts";
import { splitThread } from "../finishing/split-thread.ts";
import { weightedLength } from "../finishing/weighted-length.ts";
import type { Draft, FinishedText } from "../job/draft.ts";
import type { GenerationJob, JsonValue } from "../job/generation-job.ts";
import type { SimilarText, TextChange } from "../job/generation-result.ts";
import type { DraftReason, UsageRecord } from "../job/usage-record.ts";
import type { ChatMessage, GenerateResponse } from "../providers/provider.ts";
import type { VarietyGuard } from "./variety-guard.ts";

/** What X takes in one post. */
const POST_LIMIT = 280;
const MOST_REGENERATIONS = 2;
const MOST_SHORTENINGS = 1;

/** What an answer is worth. */
export type Review =
  | { readonly is: "final"; readonly text: FinishedText; readonly similarTo: SimilarText | null }
  /** A person must look at it first. */
  | { readonly is: "held"; readonly text: string; readonly reasons: readonly string[] }
  /** Another request may make it better. */
  | { readonly is: "draft"; readonly draft: Draft }
  /** No text that anybody could want, although the vendor calls it a success. */
  | { readonly is: "unusable"; readonly outcome: "invalid-response" | "content-filtered"; readonly message: string };

export interface ReviewInput {
  readonly job: GenerationJob;
  readonly agent: Agent;
  /** What the first request of the job said. */
  readonly messages: readonly ChatMessage[];
  /** Earlier attempts of this generation. */
  readonly history: readonly UsageRecord[];
  readonly draft: Draft | null;
  /** `null`: nobody compares texts. */
  readonly variety: VarietyGuard | null;
  /** Calls that the job may make, over everything. */
  readonly maxCalls: number;
}

/** Most that one post of the job may be, as X counts; `null`: it is no post. */
export function limitOf({ job, agent }: Pick<ReviewInput, "job" | "agent">): number | null {
  return job.input.kind === "content" ? null : (agent.lengthLimit ?? POST_LIMIT);
}

/** Finishes an answer, and judges what it is good for. */
export async function review(
  input: ReviewInput,
  { row, response }: { readonly row: UsageRecord; readonly response: GenerateResponse },
): Promise<Review> {
  const finished = repeatsPrompt(row, input) ? asItIs(response) : finishAnswer(response, input);
  if (!finished.usable) {
    const outcome = finished.why === "refusal" ? "content-filtered" : "invalid-response";
    return { is: "unusable", outcome, message: `the text is no use (${finished.why}): ${finished.detail}` };
  }
  const text = textOf(finished, { row, response, draft: input.draft });
  const reasons = repeatsPrompt(row, input) ? [] : reasonsOf(text, input);
  if (reasons.length > 0) return { is: "held", text: wholeText(text), reasons };
  if (!finished.fits && mayAskFor("too-long", MOST_SHORTENINGS, input)) {
    return { is: "draft", draft: { ...text, why: "too-long", similarTo: null } };
  }
  const cut = finished.fits ? text : cutToLimit(text, input);
  const mayRegenerate = mayAskFor("duplicate", MOST_REGENERATIONS, input);
  const similarTo = await claim(cut, input, !mayRegenerate);
  if (similarTo === null || !mayRegenerate) return { is: "final", text: cut, similarTo };
  return { is: "draft", draft: { ...cut, why: "duplicate", similarTo } };
}

/** Nothing better came: the draft is the text, cut if need be. */
export async function acceptDraft(draft: Draft, input: ReviewInput): Promise<Review & { is: "final" }> {
  const { why: _why, similarTo, ...text } = draft;
  const cut = cutToLimit(text, input);
  return { is: "final", text: cut, similarTo: (await claim(cut, input, true)) ?? similarTo };
}

export function wholeText({ posts }: Pick<FinishedText, "posts">): string {
  return posts.join("\n\n");
}

/** The fake provider, told to show what it was asked: nothing of that is ever published. */
function repeatsPrompt({ member }: UsageRecord, { agent }: ReviewInput): boolean {
  const options = agent.chain[member]?.options ?? {};
  return options["includePrompt"] === true || options["responseStyle"] === "echo";
}

function asItIs({ text }: GenerateResponse): UsableAnswer {
  return { usable: true, posts: [text], changes: [], weightedLength: weightedLength(text), fits: true };
}

/** A text is one post, a thread several. */
interface UsableAnswer extends Pick<FinishedText, "posts" | "changes" | "weightedLength"> {
  readonly usable: true;
  readonly fits: boolean;
}

interface UselessAnswer {
  readonly usable: false;
  readonly why: "empty" | "refusal" | "error-like" | "no thread";
  readonly detail: string;
}

function finishAnswer({ text: raw, finishReason }: GenerateResponse, input: ReviewInput): UsableAnswer | UselessAnswer {
  const { job } = input;
  const options = finishOptionsOf(input);
  if (job.input.kind !== "thread") {
    const finished = finishText(raw, options);
    if (!finished.usable) return finished;
    const isCutOff = finishReason === "length" && job.input.kind !== "content";
    return { ...finished, posts: [finished.text], ...(isCutOff ? withoutUnfinished(finished) : {}) };
  }
  const count = job.input.posts;
  const split = splitThread(raw, count);
  if (split === null) return { usable: false, why: "no thread", detail: `it is no thread of ${count} posts` };
  const posts = split.map((post) => finishText(post, options));
  const bad = posts.find((post) => !post.usable);
  if (bad !== undefined) return bad;
  return joined(posts.filter((post) => post.usable));
}

/** The cap has ended it in the middle of a sentence. */
function withoutUnfinished({ text, changes, fits }: Finished & { usable: true }): Partial<UsableAnswer> {
  const whole = dropUnfinished(text);
  if (whole === text || !fits) return {};
  return { posts: [whole], changes: [...changes, "cut"], weightedLength: weightedLength(whole) };
}

function joined(posts: readonly (Finished & { usable: true })[]): UsableAnswer {
  const [first = "", ...others] = posts.map(({ text }) => text);
  return {
    usable: true,
    posts: [first, ...others],
    changes: [...new Set(posts.flatMap(({ changes }) => changes))],
    weightedLength: Math.max(...posts.map((post) => post.weightedLength)),
    fits: posts.every(({ fits }) => fits),
  };
}

interface Answer {
  readonly row: UsageRecord;
  readonly response: GenerateResponse;
  readonly draft: Draft | null;
}

function textOf(
  { posts, changes, weightedLength: length }: UsableAnswer,
  { row, response, draft }: Answer,
): FinishedText {
  const { finishReason, adjustedParams } = response;
  const { raw: _raw, ...usage } = response.usage;
  const { member, provider, model } = row;
  const all: readonly TextChange[] = draft?.why === "too-long" ? [...changes, "shortened"] : changes;
  return {
    ...{ posts, changes: all, weightedLength: length, member, provider, model, finishReason, usage, adjustedParams },
  };
}

/** What the handle of an agent is that names none. */
function ownHandlesOf({ agent }: Pick<ReviewInput, "agent">): readonly string[] {
  return [agent.handle ?? agent.id];
}

function reasonsOf(text: FinishedText, input: ReviewInput): readonly string[] {
  const { job, messages } = input;
  const systemPrompt = messages.find(({ role }) => role === "system")?.content ?? "";
  return reasonsToHold(wholeText(text), {
    ...{ kind: job.input.kind, systemPrompt, ownHandles: ownHandlesOf(input) },
    given: [systemPrompt, ...textsIn(job.input.context)],
    strangers: strangersIn(job),
  });
}

/** However deep they stand. */
function textsIn(value: JsonValue): string[] {
  if (typeof value === "string") return [value];
  return value === null || typeof value !== "object" ? [] : Object.values(value).flatMap(textsIn);
}

/** Prompts name people without an @. */
function strangersIn({ input }: GenerationJob): string[] {
  switch (input.kind) {
    case "reply":
      return input.conversationHistory
        .flatMap(({ author, text }) => (author === null ? [text] : [handle(author), text]))
        .concat(input.mention);
    case "quote":
      return input.author === null ? [input.quoted] : [handle(input.author), input.quoted];
    default:
      return [];
  }
}

function handle(name: string): string {
  return name.startsWith("@") ? name : `@${name}`;
}

/** Whether one more request is worth it, and allowed. */
function mayAskFor(why: DraftReason, most: number, { history, maxCalls }: ReviewInput): boolean {
  return history.filter(({ draft }) => draft === why).length < most && history.length + 1 < maxCalls;
}

function cutToLimit(text: FinishedText, input: ReviewInput): FinishedText {
  const limit = limitOf(input);
  if (limit === null || text.weightedLength <= limit) return text;
  const finish = (post: string): string => {
    const finished = finishText(post, finishOptionsOf(input));
    return finished.usable ? finished.text : post;
  };
  const [first, ...others] = text.posts;
  const cut = (post: string): string => cutFinished(post, limit, finish);
  const posts: FinishedText["posts"] = [cut(first), ...others.map(cut)];
  return { ...text, posts, changes: [...text.changes, "cut"], weightedLength: Math.max(...posts.map(weightedLength)) };
}

function finishOptionsOf(input: ReviewInput): FinishOptions {
  return { kind: input.job.input.kind, limit: limitOf(input), ownHandles: ownHandlesOf(input) };
}

/** @returns the text that it is like */
async function claim(text: FinishedText, input: ReviewInput, evenIfSimilar: boolean): Promise<SimilarText | null> {
  const { job, agent, variety } = input;
  // What the fake provider writes is made of a few phrases: it is compared only if asked for.
  const isCompared = agent.variety ?? text.provider !== "fake";
  if (variety === null || !isCompared || job.input.kind === "content") return null;
  const written = { jobId: job.id, agentId: job.agentId, text: wholeText(text) };
  return await variety.claim(written, evenIfSimilar);
}
