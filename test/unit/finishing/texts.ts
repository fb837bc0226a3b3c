import fc from "fast-check";

const PIECES = [
  ...[
    "https://example.com/a/long/path?with=query",
    "example.com",
    "http://a.co",
    "@ada_bytes",
    "@ada",
    "#looms",
    "#🎉",
  ],
  ...["👩🏽‍🚀", "1️⃣", "🇩🇪", "漢字", "e\u0301", "مرحبا", "\u200f", "\u202e", "\u200b", "\ufeff", "\0", "\ud800", "\udc00"],
  ...[
    '"',
    "“",
    "”",
    "'",
    "«",
    "»",
    "`",
    "```\n",
    "**",
    "__",
    "*",
    "_",
    "# ",
    "> ",
    "---\n",
    "[a](https://b.co)",
    "\n",
    "\t",
  ],
  ...["Tweet: ", "Here's a tweet:\n", "<think>", "</think>", "(12 characters)", ". ", "! ", "。", ": ", "…", " "],
  ...["I can't believe it", "loom", "a", "Zürich", "2*3*4", "snake_case", "¯\\_(ツ)_/¯"],
];

/** Everything that finishing looks at, mixed with anything at all. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" })), {
    maxLength: 60,
  })
  .map((pieces) => pieces.join(""));
