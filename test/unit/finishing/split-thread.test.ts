import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitThread } from "../../../src/finishing/split-thread.ts";

const POSTS = ["Looms came first.", "They read holes.", "Nobody asked."];

describe("a thread is found", () => {
  it.each([
    ["between lines of dashes", POSTS.join("\n---\n")],
    ["between lines of stars, with blank lines around", POSTS.join("\n\n***\n\n")],
    ["with separators at both ends", `---\n${POSTS.join("\n---\n")}\n---`],
    ["with Windows' line breaks", POSTS.join("\r\n---\r\n")],
    ["between blank lines", POSTS.join("\n\n")],
    ["with numbers over all", POSTS.map((post, index) => `${index + 1}/3 ${post}`).join("\n\n")],
    ["with numbers in brackets", POSTS.map((post, index) => `(${index + 1}/3) ${post}`).join("\n---\n")],
    ["as a numbered list", POSTS.map((post, index) => `${index + 1}. ${post}`).join("\n")],
    ["with labels", POSTS.map((post, index) => `**Tweet ${index + 1}:** ${post}`).join("\n")],
    ["after an introduction", `Here it is!\n${POSTS.map((post, index) => `Post ${index + 1}: ${post}`).join("\n")}`],
    ["as JSON", JSON.stringify(POSTS)],
    ["as fenced JSON", `\`\`\`json\n${JSON.stringify(POSTS, null, 2)}\n\`\`\``],
  ])("%s", (_, raw) => {
    expect(splitThread(raw, 3)).toEqual(POSTS);
  });

  it("with line breaks and years inside its posts", () => {
    const posts = ["1843. A footnote.\nOr more.", "- dashes -- in\n- a list", "The end"];
    expect(splitThread(posts.join("\n---\n"), 3)).toEqual(posts);
  });
});

it.each([
  ["nothing", ""],
  ["too few", "one\n---\ntwo"],
  ["too many", "one\n---\ntwo\n---\nthree\n---\nfour"],
  ["a list of something else", "[1, 2, 3]"],
])("%s is no thread of three", (_, raw) => {
  expect(splitThread(raw, 3)).toBeNull();
});

it("whatever the posts, they come back from between separators", () => {
  const post = fc.string({ minLength: 1, unit: "grapheme" }).map((text) => `x${text.replace(/[\r\n]/g, " ")}`.trim());
  fc.assert(
    fc.property(fc.array(post, { minLength: 2, maxLength: 25 }), (posts) => {
      expect(splitThread(posts.join("\n---\n"), posts.length)).toEqual(posts);
    }),
  );
});
