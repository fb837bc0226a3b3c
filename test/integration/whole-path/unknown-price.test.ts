import { expect, it } from "vitest";
import { ADA, startSystem } from "../../support/generation-system.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

const USAGE = { prompt_tokens: 120, completion_tokens: 30 };

it("a worker warns of an unknown price once for each model, and not for every call", async () => {
  await using openai = await startRecordedServer(completionAnswer({ usage: USAGE }));
  const agents = ["gpt-98", "gpt-99", "gpt-6-luna"].map((model) => ({ ...ADA, id: model, llm_config: { model } }));
  await using system = await startSystem({ openai, agents });
  await system.startWorker();
  for (const id of ["a", "b", "c"]) {
    for (const agent of ["gpt-98", "gpt-99", "gpt-6-luna"]) {
      const { costMicroUsd } = await system.run({ id: `${id}-${agent}`, kind: "tweet", agent, context: { topic: id } });
      expect(costMicroUsd === null).toBe(agent !== "gpt-6-luna");
    }
  }
  const told = system.logs.filter(({ msg }) => String(msg).startsWith("price of "));
  const rest = "is not known: its calls are counted, but they are missing from cost and budgets";
  expect(told).toMatchObject(
    ["gpt-98", "gpt-99"].map((model) => ({
      ...{ level: 40, provider: "openai", model },
      msg: `price of openai/${model} ${rest}; add it under prices in the configuration file`,
    })),
  );
  await system.expectAccounted();
});
