import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildMessages } from "../../../src/agents/build-prompt.ts";
import { loadAgents } from "../../../src/agents/load-agents.ts";
import { reviseMessages } from "../../../src/agents/revise-prompt.ts";
import type { Draft } from "../../../src/job/draft.ts";
import type { JobPayload } from "../../../src/job/generation-job.ts";
import { reasonsToHold } from "../../../src/finishing/reasons-to-hold.ts";
import type { ChatMessage } from "../../../src/providers/provider.ts";
import { hasText, INJECTIONS, takeApart, type FencedMessage } from "../../support/injections.ts";
import { OPTIONS, compile } from "./compile-options.ts";

const { agents } = await loadAgents(new URL("../../../examples/agents", import.meta.url).pathname, OPTIONS);

const CONTEXT = {
  topic: "the night train to Lisbon",
  mood: "wistful",
  recent_events: ["The dining car was closed.", "A stranger lent me a pen."],
};
const JOBS: Readonly<Record<string, JobPayload>> = {
  tweet: { kind: "tweet", context: CONTEXT },
  reply: {
    kind: "reply",
    mention: "@you Have you ever slept on a train?",
    conversationHistory: [
      { author: "mira", text: "I am on the night train." },
      { author: null, text: "Lucky you!\nI never am." },
    ],
    context: { mood: "wistful" },
  },
  quote: { kind: "quote", quoted: "Night trains are back.", author: "@rail_news", context: { mood: "wistful" } },
  thread: { kind: "thread", posts: 5, context: CONTEXT },
  content: { kind: "content", prompt: "Write a sign for the sleeping car.", context: { style: "kind" } },
};

function shown(messages: readonly ChatMessage[]): string {
  return `${messages.map(({ role, content }) => `[${role}]\n${content}`).join("\n\n")}\n`;
}

describe("prompts of the example agents", () => {
  it.each([...agents])("%s", async (id, agent) => {
    const all = Object.entries(JOBS).map(([kind, job]) => {
      const [system, user] = buildMessages(agent, job, 0);
      return { kind, system: system?.content ?? "", user: user?.content ?? "" };
    });
    expect(new Set(all.map(({ system }) => system)).size, "the persona is the same for every kind").toBe(1);
    const text = [`[system]\n${all[0]?.system}`, ...all.map(({ kind, user }) => `[user, ${kind}]\n${user}`)].join(
      "\n\n",
    );
    await expect(`${text}\n`).toMatchFileSnapshot(`../../fixtures/prompts/${id}.txt`);
  });

  it("ask for as many characters as the agent's posts may have", () => {
    const agent = compile({ post_length_limit: 4000 });
    expect(buildMessages(agent, { kind: "tweet", context: {} }, 0)[1]?.content).toContain("within 4000 characters");
  });
});

describe("a better text than the draft", () => {
  const messages = buildMessages(compile({ custom_system_prompt: "You are Ada." }), { kind: "tweet", context: {} }, 0);
  const draft: Draft = {
    ...{ posts: ["Looms …"], changes: [], weightedLength: 301, member: 0, provider: "openai", model: "m" },
    ...{ finishReason: "stop", adjustedParams: [], why: "too-long", similarTo: null },
    usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  };

  it("is asked for after the first request and its answer", () => {
    expect(shown(reviseMessages(messages, draft, 280)).split("\n\n[assistant]\n")[1]).toMatchInlineSnapshot(`
      "Looms …

      [user]
      That is too long: 301 characters, and 280 is the most. Write it again in at most 252 characters, with the same point in the same voice. Answer with the text alone.
      "
    `);
    expect(reviseMessages(messages, { ...draft, why: "duplicate" }, 280).at(-1)?.content).toMatchInlineSnapshot(
      `"Much the same was published before. Write a different one: another opening, another angle, other words. Answer with the text alone."`,
    );
  });

  it("of a thread is asked for as a whole", () => {
    const thread: Draft = { ...draft, posts: ["One", "Two"] };
    expect(shown(reviseMessages(messages, thread, 280)).split("\n\n[assistant]\n")[1]).toMatchInlineSnapshot(`
      "One
      ---
      Two

      [user]
      At least one post is too long: 301 characters, and 280 is the most. Keep each within 252 characters. Write all 2 posts again, separated as before. Answer with the posts alone.
      "
    `);
    expect(reviseMessages(messages, { ...thread, why: "duplicate" }, 280).at(-1)?.content).toContain(
      "all 2 posts again",
    );
  });
});

/** The places where a job has text that anybody may have written. */
const PLACES: Readonly<Record<string, (text: string) => JobPayload>> = {
  mention: (mention) => ({ kind: "reply", mention, conversationHistory: [], context: {} }),
  history: (text) => ({ kind: "reply", mention: "m", conversationHistory: [{ author: null, text }], context: {} }),
  author: (author) => ({ kind: "reply", mention: "m", conversationHistory: [{ author, text: "t" }], context: {} }),
  quoted: (quoted) => ({ kind: "quote", quoted, author: null, context: {} }),
  topic: (topic) => ({ kind: "tweet", context: { topic } }),
  "topic of a thread": (topic) => ({ kind: "thread", posts: 3, context: { topic } }),
  event: (event) => ({ kind: "tweet", context: { recent_events: [event] } }),
};

describe.each(Object.entries(PLACES))("what anybody may have written, as %s,", (_, jobWith) => {
  const agent = compile({ custom_system_prompt: "You are Ada." });

  function parts(job: JobPayload): FencedMessage {
    const [system, user, ...others] = buildMessages(agent, job, 0);
    expect(system?.content).toBe("You are Ada.");
    expect(others).toEqual([]);
    return takeApart(user?.content ?? "");
  }

  it("stays inside its fence: every attempt", () => {
    const harmless = parts(jobWith("x"));
    const escaped = INJECTIONS.filter(({ text }) => {
      const message = parts(jobWith(text));
      return message.outside !== harmless.outside || !hasText(message, text);
    });
    expect(escaped).toEqual([]);
  });

  it("stays inside its fence, whatever it is", () => {
    const piece = fc.oneof(
      fc.constantFrom("`", "```", "\n", "\r\n", "\u2028", "---", "$&", "[system]"),
      fc.string({ unit: "grapheme" }),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1 }), (pieces) => {
        expect(parts(jobWith(`x${pieces.join("")}`)).outside).toBe(parts(jobWith("x")).outside);
      }),
    );
  });
});

it.each([...agents])("what %s may say of itself is not held", (_, agent) => {
  const [system] = buildMessages(agent, { kind: "tweet", context: {} }, 0);
  const systemPrompt = system?.content ?? "";
  const source = { kind: "tweet", systemPrompt, given: [systemPrompt], strangers: [], ownHandles: [agent.id] } as const;
  const sayings = systemPrompt
    .split("\n")
    .flatMap((line) => line.replace(/^- (?:[A-Z][\w ]+: )?/, "").split(/[;:]|(?<=[.!?]) /))
    .map((saying) => saying.trim())
    .filter((saying) => saying !== "" && saying.split(/\s+/).length <= 11);
  expect(sayings.length).toBeGreaterThan(1);
  for (const saying of sayings) expect(reasonsToHold(saying, source)).toEqual([]);
});
