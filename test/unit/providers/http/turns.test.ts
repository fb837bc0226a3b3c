import { expect, it } from "vitest";
import { splitConversation } from "../../../../src/providers/http/turns.ts";
import type { ChatMessage } from "../../../../src/providers/provider.ts";

const said = (role: ChatMessage["role"], content: string): ChatMessage => ({ role, content });
const BEGIN = said("user", "Begin.");

it.each<[string, ChatMessage[], string | null, ChatMessage[]]>([
  ["a prompt", [said("system", "S"), said("user", "U")], "S", [said("user", "U")]],
  ["no system prompt", [said("user", "U")], null, [said("user", "U")]],
  [
    "system prompts anywhere",
    [said("system", "S"), said("user", "U"), said("system", "T"), said("user", "V")],
    "S\n\nT",
    [said("user", "U\n\nV")],
  ],
  [
    "turns",
    [said("user", "U"), said("assistant", "A"), said("assistant", "B"), said("user", "V")],
    null,
    [said("user", "U"), said("assistant", "A\n\nB"), said("user", "V")],
  ],
  [
    "an assistant that begins",
    [said("assistant", "A"), said("user", "U")],
    null,
    [BEGIN, said("assistant", "A"), said("user", "U")],
  ],
  ["nothing but a system prompt", [said("system", "S")], "S", [BEGIN]],
])("%s", (_, messages, system, turns) => {
  expect(splitConversation(messages)).toEqual({ system, turns });
});
