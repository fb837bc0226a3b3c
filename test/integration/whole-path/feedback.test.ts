import { expect, it } from "vitest";
import { InvalidInputError } from "../../../src/platform/problem.ts";
import { readUsage } from "../../../src/storage/usage-report.ts";
import { startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { hang } from "../../support/misbehaving-answers.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";

const LANE = "openai~gpt-6-luna";
const TWEET = { id: "a", kind: "tweet", agent: "nori" } as const;

async function feedbackByModel({ redis, namespace }: GenerationSystem): Promise<Record<string, unknown>> {
  const rows = await readUsage(redis, namespace, { by: "model", now: Date.now(), days: 2 });
  return Object.fromEntries(rows.map(({ key, feedback }) => [key, feedback]));
}

it("a job from its first score, too early, to its last", async () => {
  await using openai = await startRecordedServer(hang, completionAnswer());
  await using system = await startSystem({ openai });
  const { producer } = system;
  expect(await producer.feedback("a", 0.5)).toBe("unknown");
  await producer.enqueue(TWEET);
  expect(await producer.feedback("a", 0.5)).toBe("unfinished");
  await system.startWorker();
  await openai.seen(1);
  expect(await producer.feedback("a", 0.5)).toBe("unfinished");
  expect(await producer.cancel("a")).toBe("cancelling");
  await system.resultOf("a");
  expect(await producer.feedback("a", 0.5)).toBe("no-text");

  const result = await system.run({ ...TWEET, id: "b" });
  expect(await producer.feedback("b", 0.5)).toBe("stored");
  expect(await producer.feedback("b", 0.75)).toBe("stored");
  expect(await feedbackByModel(system)).toEqual({ "openai/gpt-6-luna": { count: 1, mean: 0.75 } });
  expect(await producer.result("b"), "the result stays as it is").toEqual(result);
  await system.expectAccounted();
});

it("a text of the fall-back is the fall-back's", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/401-invalid-api-key.json"));
  await using grok = await startRecordedServer(completionAnswer({ model: "grok-4.3" }));
  await using system = await startSystem({ openai, grok });
  await system.startWorker();
  await system.run({ ...TWEET, agent: "ada" });
  expect(await system.producer.feedback("a", 1)).toBe("stored");
  expect(await feedbackByModel(system)).toEqual({
    "openai/gpt-6-luna": null,
    "grok/grok-4.3": { count: 1, mean: 1 },
  });
});

it("a job that was retried on purpose can be scored once it has a text", async () => {
  await using openai = await startRecordedServer(recordedAnswer("openai/400-invalid-type.json"), completionAnswer());
  await using system = await startSystem({ openai });
  await system.startWorker();
  expect(await system.run(TWEET)).toMatchObject({ status: "failed" });
  expect(await system.producer.feedback("a", 0.5)).toBe("no-text");
  await (await system.queued(LANE, "a", "failed")).retry();
  await system.queued(LANE, "a", "completed");
  expect(await system.resultOf("a")).toMatchObject({ status: "succeeded" });
  expect(await system.producer.feedback("a", 0.5)).toBe("stored");
  expect(await feedbackByModel(system)).toEqual({ "openai/gpt-6-luna": { count: 1, mean: 0.5 } });
  await system.expectAccounted();
});

it("what is no score is refused before anything is sent, naming field, value and what was expected", async () => {
  await using system = await startSystem();
  const refused = system.producer.feedback("a", 80);
  await expect(refused).rejects.toBeInstanceOf(InvalidInputError);
  await expect(refused).rejects.toThrow("feedback score: got 80; expected a number from 0 (bad) to 1 (good)");
});
