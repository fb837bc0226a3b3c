import { describe, expect, it } from "vitest";
import { assembleMessage } from "../../../../src/providers/anthropic/assemble-message.ts";

const START = {
  type: "message_start",
  message: {
    id: "msg_1",
    model: "claude-haiku-5-5",
    content: [],
    usage: { input_tokens: 43, cache_read_input_tokens: 7, output_tokens: 1, service_tier: "standard" },
  },
};
const STOP = { type: "message_stop" };

function assembled(...events: unknown[]): unknown {
  const message = assembleMessage();
  for (const event of events) message.push(event);
  return message.whole();
}

describe("assembleMessage", () => {
  it("lets later counts win field by field, and what is not told again stand", () => {
    const usage = { input_tokens: 61, cache_read_input_tokens: null, output_tokens: 2 };
    const first = { type: "message_delta", delta: {}, usage: { output_tokens: 1 } };
    const last = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage };
    expect(assembled(START, first, last, STOP)).toEqual({
      ...{ id: "msg_1", model: "claude-haiku-5-5", stop_reason: "end_turn" },
      content: [{ type: "text", text: "" }],
      usage: { input_tokens: 61, cache_read_input_tokens: 7, output_tokens: 2, service_tier: "standard" },
    });
  });

  it("takes the text of all blocks, from their starts as well", () => {
    const events = [
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "x" } },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "A" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "B" } },
      { type: "content_block_start", index: 2, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 2, delta: { type: "text_delta", text: "C" } },
    ];
    expect(assembled(START, ...events, STOP)).toMatchObject({ content: [{ text: "ABC" }] });
  });

  it("is whole when it says why it stopped, and over when it says so", () => {
    const delta = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } };
    expect(assembled(START)).toBeNull();
    expect(assembled(START, delta)).toMatchObject({ stop_reason: "end_turn", usage: { output_tokens: 2 } });
    const assembler = assembleMessage();
    for (const event of [START, delta]) assembler.push(event);
    expect(assembler.isOver()).toBe(false);
    assembler.push(STOP);
    expect(assembler.isOver()).toBe(true);
  });

  it("passes over what it does not know", () => {
    const events = ["[DONE]", "text", null, 7, {}, { type: "ping" }, { type: "new", delta: "x", usage: 1 }];
    expect(assembled(START, ...events, STOP)).toMatchObject({ content: [{ text: "" }], id: "msg_1" });
  });
});
