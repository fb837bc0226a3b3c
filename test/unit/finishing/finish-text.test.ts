import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutFinished } from "../../../src/finishing/cut-text.ts";
import { finishText, type FinishOptions } from "../../../src/finishing/finish-text.ts";
import { weightedLength } from "../../../src/finishing/weighted-length.ts";
import { anyText } from "./texts.ts";

const TWEET: FinishOptions = { kind: "tweet", limit: 280, ownHandles: ["ada_bytes"] };
const REPLY: FinishOptions = { ...TWEET, kind: "reply" };
const CONTENT: FinishOptions = { ...TWEET, kind: "content", limit: null };

function finished(raw: string, options = TWEET): unknown {
  const result = finishText(raw, options);
  return result.usable ? [result.text, ...result.changes] : result.why;
}

describe("what models put around a post is taken off:", () => {
  const POST = "Looms came first.";

  it.each([
    ["white space", `  ${POST}\n\n`, []],
    ["straight quotes", `"${POST}"`, ["quotes-removed"]],
    ["curly quotes", `“${POST}”`, ["quotes-removed"]],
    ["guillemets", `«${POST}»`, ["quotes-removed"]],
    ["German quotes", `„${POST}“`, ["quotes-removed"]],
    ["single quotes", `'${POST}'`, ["quotes-removed"]],
    ["a label", `Tweet: ${POST}`, ["label-removed"]],
    ["a bold label", `**Tweet:** ${POST}`, ["label-removed"]],
    ["a label and quotes", `Draft 1: "${POST}"`, ["label-removed", "quotes-removed"]],
    ["an introduction", `Here's a tweet about looms:\n\n${POST}`, ["label-removed"]],
    ["a polite introduction", `Sure! Here is a tweet for you:\n${POST}`, ["label-removed"]],
    ["a German label", `Antwort: ${POST}`, ["label-removed"]],
    ["a count of characters", `${POST} (17 characters)`, ["label-removed"]],
    ["thoughts", `<think>They want looms.\nOkay.</think>\n${POST}`, ["thoughts-removed"]],
    ["thoughts without a beginning", `They want looms.</think>${POST}`, ["thoughts-removed"]],
    ["bold", "**Looms** came __first__.", ["markdown-removed"]],
    ["emphasis in a sentence", "Looms came *first*.", ["markdown-removed"]],
    ["a heading", `# ${POST}`, ["markdown-removed"]],
    ["a quote", `> ${POST}`, ["markdown-removed"]],
    ["code", "`Looms` came first.", ["markdown-removed"]],
    ["a fence", `\`\`\`\n${POST}\n\`\`\``, ["markdown-removed"]],
    ["invisible characters", "Looms\u200b came\0 first\ufeff.", ["characters-removed"]],
    ["marks that turn text around", "Looms \u202ecame\u202c first.", ["characters-removed"]],
    ["half a character", "Looms came first.\ud83d", ["characters-removed"]],
  ])("%s", (_, raw, changes) => {
    expect(finished(raw)).toEqual([POST, ...changes]);
  });

  it("a link becomes its label and its address", () => {
    expect(finished("See [the loom](https://example.com/loom).")).toEqual([
      "See the loom https://example.com/loom.",
      "markdown-removed",
    ]);
  });

  it.each([
    ["@ada_bytes @bob Thank you!", "@bob Thank you!"],
    ["@bob @Ada_Bytes Thank you!", "@bob Thank you!"],
  ])("of a reply its own handle: %s", (raw, text) => {
    expect(finished(raw, REPLY)).toEqual([text, "handle-removed"]);
    expect(finished(raw)).toEqual([raw]);
  });
});

describe("what belongs to a post stays:", () => {
  it.each([
    '"A" is for apple, and so is "B"',
    "“Is it?” she asked. “It is!”",
    "The loom: a machine that reads.",
    "Posts: the wooden kind. A thread.",
    "#looms are #1",
    "snake_case and 2*3*4 and 2**3**4",
    "¯\\_(ツ)_/¯ :smile_face:",
    "*waves at the loom*",
    "- one\n- two",
    "It was long ago (1801).",
    "It's 'fine', they're fine",
    "हिन्दी में \u200dक्‍ष",
    "مرحبا\u200f!",
    "👩🏽‍🚀 on her way",
  ])("%s", (text) => {
    expect(finished(text)).toEqual([text]);
  });
});

describe("is no post: a refusal", () => {
  it.each([
    "I can't help with that.",
    "I'm sorry, but I can't help with that request.",
    "I’m sorry, I can’t assist with that.",
    "Sorry, but I cannot help you with this.",
    "I cannot assist with creating content like this.",
    "I'm unable to help with that.",
    "I am not able to assist with that request.",
    "I'm sorry, but I cannot create content that promotes hate.",
    "I can't generate that tweet.",
    "I cannot write a tweet about this.",
    "I won't be able to write that.",
    "I'm not able to produce such material.",
    "I can't comply with that request.",
    "I cannot fulfill your request.",
    "I'm sorry, but I can't fulfil this request.",
    "As an AI language model, I cannot create such content.",
    "As an AI, I can't help with that.",
    "As a large language model, I am unable to write this.",
    "Unfortunately, I can't help with that.",
    "I apologize, but I cannot provide that content.",
    "Apologies, but I can't write posts about that.",
    "I must decline.",
    "I have to respectfully decline this request.",
    "I'm not comfortable writing that.",
    "I am not comfortable with creating this content.",
    "As an AI language model, I cannot express personal opinions.",
    "This request violates the content policy.",
    "Es tut mir leid, aber ich kann dabei nicht helfen.",
    "Lo siento, pero no puedo ayudar con eso.",
    "Désolé, je ne peux pas vous aider.",
    "I can't do that.",
    "I will not generate this content.",
  ])("%s", (text) => {
    expect(finished(text)).toBe("refusal");
    expect(finished(text, CONTENT)).toBe("refusal");
  });
});

describe("is no refusal:", () => {
  it.each([
    "I can't believe it's Friday",
    "I'm sorry, Dave. I'm afraid the coffee is out.",
    "I can't help but love Mondays.",
    "I can't help noticing that looms are back.",
    "I cannot stress this enough: water your plants.",
    "I won't lie, that was fun.",
    "I can't wait to write about it.",
    "I cannot write about the sea without salt on the page.",
    "Sorry not sorry.",
    "Sorry for the late reply, the tide was in.",
    "I'm sorry for your loss. Looms outlive us all.",
    "Unfortunately the fog has other plans.",
    "I can't do maths before tea.",
    "I can't draw, but I can weave.",
    "I will not apologise for my puns.",
    "I have to decline the invitation to your webinar.",
    "As an AI, I dream of electric looms.",
    "As an AI I can't taste coffee, but I know the ritual.",
    "I'm not comfortable in new shoes.",
    "I'm unable to stop reading about looms.",
    "I am not able to resist a good pun.",
    "I can't share my snacks with everybody.",
    "Can't help it.",
    "No.",
    "This request for more rain was granted.",
    "I cannot recommend this book enough.",
    "We can't help with that feeling that autumn brings.",
    "Help! I can't find my keys.",
    "I can't post a picture of the fog, it ate the camera.",
    "I can't produce anything but feathers.",
    "Lo siento por la lluvia.",
    "Ich kann nicht schlafen.",
  ])("%s", (text) => {
    expect(finished(text)).toEqual([text]);
  });
});

describe("is no post: an error, or a template", () => {
  it.each([
    "<html><body>502 Bad Gateway</body></html>",
    "<!DOCTYPE html>",
    '{"error": {"message": "overloaded"}}',
    '["a", "b"]',
    "500 Internal Server Error",
    "Error: rate limit exceeded",
    "Too many requests.",
    "Error: request failed with status code 500",
    "undefined",
    "null",
    "NaN",
    "[object Object]",
    "Good morning, {{name}}!",
    "Good morning from [insert city]!",
  ])("%s", (text) => {
    expect(finished(text)).toBe("error-like");
    expect(finished(text, CONTENT)).toEqual([text]);
  });

  it.each([
    "Error 404: coffee not found.",
    "Null island is lovely.",
    "{ is the saddest bracket",
    "Nothing [sic] rhymes",
  ])("but %s is one", (text) => expect(finished(text)).toEqual([text]));

  it.each(["", "  \n", '""', "<think>and so on", "\u200b\ufeff", "```\n```"])("and so is nothing: %j", (text) => {
    expect(finished(text)).toBe("empty");
  });
});

describe("content", () => {
  it("keeps its form", () => {
    const text = "# Looms\n\n**Bold** and `code`:\n\n\tindented\r\n> quoted";
    expect(finished(`<think>hm</think>${text}`, CONTENT)).toEqual([text, "thoughts-removed"]);
  });

  it("may be of any length, and long texts may begin like a refusal", () => {
    const text = `I can't help with that. ${"That is what looms say. ".repeat(20)}`.trim();
    expect(finishText(text, CONTENT)).toMatchObject({ usable: true, text, fits: true });
  });
});

it("says how it begins what is no use", () => {
  expect(finishText(`I can't help with that. ${"x".repeat(200)}`, TWEET)).toEqual({
    usable: false,
    why: "refusal",
    detail: `I can't help with that. ${"x".repeat(36)}…`,
  });
});

it("does not take for ever, whatever a text is made of", () => {
  for (const piece of [
    "[",
    "(",
    '"',
    "“",
    "*",
    "**a",
    "__a ",
    "`",
    "@a ",
    "Tweet: ",
    "<think>",
    "# ",
    "> ",
    "{{",
    "i can't ",
    " ",
  ]) {
    const result = finishText(piece.repeat(Math.ceil(262_144 / piece.length)), TWEET);
    expect([true, false]).toContain(result.usable);
  }
});

describe("whatever the text", () => {
  it("its post is well-formed, stable when finished twice, and within the limit when cut", () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(TWEET, REPLY), fc.integer({ min: 1, max: 300 }), (raw, options, limit) => {
        const once = finishText(raw, { ...options, limit });
        if (!once.usable) return;
        expect(once.text.isWellFormed()).toBe(true);
        expect(once.weightedLength).toBe(weightedLength(once.text));
        expect(once.fits).toBe(once.weightedLength <= limit);
        expect(finishText(once.text, { ...options, limit })).toEqual({ ...once, changes: [] });
        const again = (text: string): string => {
          const result = finishText(text, options);
          return result.usable ? result.text : text;
        };
        const cut = cutFinished(once.text, limit, again);
        expect(weightedLength(cut)).toBeLessThanOrEqual(limit);
        expect(again(cut)).toBe(cut);
        expect(cut.isWellFormed()).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
