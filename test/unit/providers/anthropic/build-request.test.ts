import { describe, expect, it } from "vitest";
import { createCatalogue } from "../../../../src/models/model-catalogue.ts";
import { familySchema } from "../../../../src/models/models-file.ts";
import { ANTHROPIC } from "../../../../src/providers/anthropic/anthropic-provider.ts";
import { buildRequest } from "../../../../src/providers/anthropic/build-request.ts";
import type { ChatMessage } from "../../../../src/providers/provider.ts";
import { generateRequest, type RequestChanges } from "../../../support/generate-request.ts";

const PLAIN = familySchema.parse({ match: ["*"] });
const catalogue = createCatalogue([ANTHROPIC]);

function bodyOf(changes: RequestChanges & { readonly model: string }): Readonly<Record<string, unknown>> {
  return buildRequest(generateRequest(changes), catalogue.family("anthropic", changes.model)).body;
}

function message(role: ChatMessage["role"], content: string): ChatMessage {
  return { role, content };
}

describe("the messages", () => {
  function conversation(...messages: ChatMessage[]): unknown {
    const { system, messages: turns } = buildRequest(generateRequest({ messages }), PLAIN).body;
    return [system, (turns as ChatMessage[]).map(({ role, content }) => `${role}: ${content}`)];
  }

  it.each([
    ["a prompt and a question", [message("system", "S"), message("user", "U")], ["S", ["user: U"]]],
    ["no prompt", [message("user", "U")], [undefined, ["user: U"]]],
    [
      "several prompts, wherever they stand",
      [message("system", "S1"), message("user", "U"), message("system", "S2")],
      ["S1\n\nS2", ["user: U"]],
    ],
    [
      "neighbours of one role, a system message between them too",
      [message("user", "U1"), message("system", "S"), message("user", "U2"), message("assistant", "A")],
      ["S", ["user: U1\n\nU2", "assistant: A"]],
    ],
    [
      "an assistant that speaks first",
      [message("assistant", "A"), message("user", "U")],
      [undefined, ["user: Begin.", "assistant: A", "user: U"]],
    ],
    ["nothing but a prompt", [message("system", "S")], ["S", ["user: Begin."]]],
  ])("%s", (_, messages, expected) => {
    expect(conversation(...messages)).toEqual(expected);
  });
});

describe("the parameters", () => {
  it("are nested where the API nests them", () => {
    const family = familySchema.parse({ match: ["*"], parameters: { user: { as: "metadata.user_id" } } });
    const { body } = buildRequest(generateRequest({ parameters: { user: "agent-7" } }), family);
    expect(body).toMatchObject({ metadata: { user_id: "agent-7" }, max_tokens: 280 });
    expect(body).not.toHaveProperty("user");
  });

  it("always have a cap, whatever was refused", () => {
    const omit = ["max_tokens", "temperature", "metadata.user_id"];
    const body = bodyOf({ model: "claude-haiku-4-5", omit, parameters: { user: "agent-7" } });
    expect(Object.keys(body)).toEqual(["model", "system", "messages", "max_tokens"]);
    expect(body["max_tokens"]).toBe(280);
  });

  it("are left out together with what they stand in", () => {
    const family = familySchema.parse({ match: ["*"], parameters: { user: { as: "metadata.user_id" } } });
    const { body } = buildRequest(generateRequest({ omit: ["metadata"], parameters: { user: "agent-7" } }), family);
    expect(body).not.toHaveProperty("metadata");
  });

  it("say that it streams only when it does", () => {
    expect(bodyOf({ model: "claude-haiku-5-5" })).not.toHaveProperty("stream");
    expect(bodyOf({ model: "claude-haiku-5-5", parameters: { stream: true } })).toHaveProperty("stream", true);
  });
});

describe("what is asked of the models' thinking", () => {
  it.each([
    ["claude-haiku-5-5", { thinking: { type: "disabled" } }, 280],
    ["claude-opus-5", { thinking: { type: "disabled" } }, 280],
    ["claude-sonnet-5", { thinking: { type: "disabled" } }, 280],
    ["claude-sonnet-5-5", { thinking: { type: "between_tools" } }, 280],
    // It cannot be turned off, and counts against the cap.
    ["claude-opus-5-5", { output_config: { effort: "low" } }, 280 + 2048],
    ["claude-fable-5-1", { output_config: { effort: "low" } }, 280 + 2048],
    ["claude-fable-5-2", { output_config: { effort: "low" } }, 280 + 2048],
    ["claude-nobody-knows-yet", { output_config: { effort: "low" } }, 280 + 2048],
    // They do not think unless they are told to.
    ["claude-opus-4-8", {}, 280],
    ["claude-sonnet-4-6", {}, 280],
    ["claude-haiku-4-5-20251001", {}, 280],
    ["claude-3-haiku-20240307", {}, 280],
  ])("%s: %j, within %d tokens", (model, asked, cap) => {
    const capTokens = catalogue.capTokens({ provider: "anthropic", model, maxTokens: 280, factor: 1 });
    const { thinking, output_config, max_tokens } = bodyOf({ model, capTokens });
    expect({
      ...(thinking !== undefined && { thinking }),
      ...(output_config !== undefined && { output_config }),
    }).toEqual(asked);
    expect(max_tokens).toBe(cap);
  });
});
