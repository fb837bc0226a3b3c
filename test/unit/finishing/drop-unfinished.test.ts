import { expect, it } from "vitest";
import { dropUnfinished } from "../../../src/finishing/drop-unfinished.ts";

it.each([
  ["One sentence. And the beginning of", "One sentence."],
  ["“Is it?” she asked. “It is!” And then the", "“Is it?” she asked. “It is!”"],
  ["One sentence. Another one.", "One sentence. Another one."],
  ["No end in sight for this one because", "No end in sight for this one because"],
  ["Ha! Everything that follows is much longer than the", "Ha! Everything that follows is much longer than the"],
  ["Version 3.14 is out and", "Version 3.14 is out and"],
  ["一句话。又一句话。还有", "一句话。又一句话。"],
  ["", ""],
])("%j becomes %j", (text, expected) => {
  expect(dropUnfinished(text)).toBe(expected);
});
