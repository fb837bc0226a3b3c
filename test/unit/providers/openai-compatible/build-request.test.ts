import { describe, expect, it } from "vitest";
import { buildRequest } from "../../../../src/providers/openai-compatible/build-request.ts";
import { familySchema } from "../../../../src/models/models-file.ts";
import { generateRequest } from "../../../support/generate-request.ts";

const PLAIN = familySchema.parse({ match: ["*"] });
const WITHOUT_REASONING = familySchema.parse({
  match: ["*"],
  parameters: { max_tokens: { as: "max_completion_tokens" } },
  reasoning: { least: "none", samplingNeedsNone: true },
});

describe("buildRequest", () => {
  it("sends everything as configured to a model that takes everything", () => {
    const request = generateRequest({
      parameters: { frequencyPenalty: 0.5, presencePenalty: -0.5, logitBias: { "50256": -100 }, user: "agent-7" },
    });

    expect(buildRequest(request, PLAIN)).toEqual({
      body: {
        model: "gpt-6-luna",
        messages: request.messages,
        max_tokens: 280,
        temperature: 0.7,
        top_p: 0.9,
        frequency_penalty: 0.5,
        presence_penalty: -0.5,
        logit_bias: { "50256": -100 },
        user: "agent-7",
      },
      adjustedParams: [],
    });
  });

  it("leaves out penalties of 0 without a word, because some models refuse even those", () => {
    const { body, adjustedParams } = buildRequest(generateRequest(), PLAIN);

    expect(body).not.toHaveProperty("frequency_penalty");
    expect(body).not.toHaveProperty("presence_penalty");
    expect(adjustedParams).toEqual([]);
  });

  it("renames the cap and asks for the least reasoning, and says so", () => {
    const { body, adjustedParams } = buildRequest(generateRequest(), WITHOUT_REASONING);

    expect(body).toMatchObject({ max_completion_tokens: 280, reasoning_effort: "none", temperature: 0.7, top_p: 0.9 });
    expect(body).not.toHaveProperty("max_tokens");
    expect(adjustedParams).toEqual([
      {
        parameter: "reasoning_effort",
        change: "set to none",
        why: "reasoning is billed as output and counts against max_tokens",
      },
      {
        parameter: "max_tokens",
        change: "renamed to max_completion_tokens",
        why: "the name that this model takes",
      },
    ]);
  });

  it("drops what the family's table says, with the table's reason", () => {
    const parameters = { temperature: { drop: "it burns" }, logit_bias: { drop: "it is biased enough" } };
    const policy = { ...PLAIN, parameters };
    const { body, adjustedParams } = buildRequest(generateRequest({ parameters: { logitBias: { "1": 1 } } }), policy);

    expect(body).not.toHaveProperty("temperature");
    expect(body).not.toHaveProperty("logit_bias");
    expect(body).toHaveProperty("top_p", 0.9);
    expect(adjustedParams).toEqual([
      { parameter: "temperature", change: "dropped", why: "it burns" },
      { parameter: "logit_bias", change: "dropped", why: "it is biased enough" },
    ]);
  });

  it("leaves out what the vendor refused earlier in this job, and says so", () => {
    const omit = ["temperature", "frequency_penalty", "user"];
    const request = generateRequest({ omit, parameters: { frequencyPenalty: 1, user: "agent-7" } });
    const { body, adjustedParams } = buildRequest(request, PLAIN);

    expect(Object.keys(body)).toEqual(["model", "messages", "max_tokens", "top_p"]);
    expect(adjustedParams).toEqual(
      omit.map((parameter) => ({
        parameter,
        change: "dropped",
        why: "the vendor refused it earlier",
      })),
    );
  });

  it("drops what a part of was refused, and what is a part of it", () => {
    const streaming = { parameters: { stream: true } };
    const usage = buildRequest(generateRequest({ ...streaming, omit: ["stream_options.include_usage"] }), PLAIN);
    expect(usage.body).toMatchObject({ stream: true });
    expect(usage.body).not.toHaveProperty("stream_options");
    const bias = { parameters: { logitBias: { "1734": 5 } } };
    expect(buildRequest(generateRequest({ ...bias, omit: ["logit_bias.1734"] }), PLAIN).body).not.toHaveProperty(
      "logit_bias",
    );
    expect(buildRequest(generateRequest({ ...bias, omit: ["logit"] }), PLAIN).body).toHaveProperty("logit_bias");
  });

  it("tries the cap's other name, and never sends none at all", () => {
    const once = buildRequest(generateRequest({ omit: ["max_tokens"] }), PLAIN);
    expect(once.body).toMatchObject({ max_completion_tokens: 280 });
    expect(once.body).not.toHaveProperty("max_tokens");
    expect(once.adjustedParams).toMatchObject([{ change: "renamed to max_completion_tokens" }]);

    const back = buildRequest(generateRequest({ omit: ["max_completion_tokens"] }), WITHOUT_REASONING);
    expect(back.body).toMatchObject({ max_tokens: 280 });

    const twice = buildRequest(generateRequest({ omit: ["max_tokens", "max_completion_tokens"] }), PLAIN);
    expect(twice.body).toMatchObject({ max_tokens: 280 });
    expect(twice.adjustedParams).toEqual([]);
  });

  it("drops the sampling parameters together with the effort that they depend on", () => {
    const { body, adjustedParams } = buildRequest(generateRequest({ omit: ["reasoning_effort"] }), WITHOUT_REASONING);

    expect(Object.keys(body)).toEqual(["model", "messages", "max_completion_tokens"]);
    expect(adjustedParams.map(({ parameter, why }) => [parameter, why])).toEqual([
      ["reasoning_effort", "the vendor refused it earlier"],
      ["max_tokens", "the name that this model takes"],
      ["temperature", "this model takes it only without reasoning"],
      ["top_p", "this model takes it only without reasoning"],
    ]);
  });

  it("raises the cap after an answer that was cut before any text", () => {
    const { body, adjustedParams } = buildRequest(
      generateRequest({ capTokens: 703, isRecovery: true, parameters: { maxTokens: 281 } }),
      PLAIN,
    );

    expect(body.max_tokens).toBe(703);
    expect(adjustedParams).toEqual([
      {
        parameter: "max_tokens",
        change: "raised from 281 to 703",
        why: "the last answer was cut off before any text",
      },
    ]);
  });

  it("leaves room for reasoning on top of the visible text, and says so", () => {
    const { body, adjustedParams } = buildRequest(generateRequest({ capTokens: 1304 }), PLAIN);

    expect(body.max_tokens).toBe(1304);
    expect(adjustedParams).toEqual([
      {
        parameter: "max_tokens",
        change: "raised from 280 to 1304",
        why: "reasoning counts against it, and comes on top",
      },
    ]);
  });

  it("moves what is out of a model's range to the border, and says so", () => {
    const policy = { ...PLAIN, parameters: { temperature: { min: 0, max: 1 }, max_tokens: { max: 100 } } };
    const { body, adjustedParams } = buildRequest(generateRequest({ parameters: { temperature: 1.5 } }), policy);

    expect(body).toMatchObject({ temperature: 1, max_tokens: 100 });
    expect(adjustedParams.map(({ parameter, change, why }) => `${parameter} ${change}: ${why}`)).toEqual([
      "max_tokens lowered from 280 to 100: the most that this model writes",
      "temperature changed from 1.5 to 1: the nearest that this model takes",
    ]);
  });

  it("asks for a stream that tells its usage, and leaves out of it what the vendor refused", () => {
    const streaming = (omit: string[] = []) =>
      buildRequest(generateRequest({ omit, parameters: { stream: true } }), PLAIN);

    expect(streaming().body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(streaming().adjustedParams).toEqual([]);
    expect(streaming(["stream_options"]).body).not.toHaveProperty("stream_options");
    expect(streaming(["stream"]).body).not.toHaveProperty("stream");
    expect(streaming(["stream"]).adjustedParams).toEqual([
      { parameter: "stream", change: "dropped", why: "the vendor refused it earlier" },
    ]);
  });
});
