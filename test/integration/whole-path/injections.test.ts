import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { JobInput } from "../../../src/index.ts";
import { NORI, startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { hasText, INJECTIONS, takeApart, type FencedMessage } from "../../support/injections.ts";
import { startRecordedServer, type RecordedServer, type SeenCall } from "../../support/recorded-server.ts";
import { testRedisUrl } from "../../support/redis.ts";
import { startCli } from "../../support/run-cli.ts";
import { makeTempFolder, type TempFolder } from "../../support/temp-folder.ts";
import { openMonitor } from "../monitor/open-monitor.ts";

/*
 * Whatever a stranger writes, and by whatever door it comes in: the vendor is asked with the same roles, the same system
 * prompt and the same words of ours, and what was written stands between fences.
 */

const SYSTEM_PROMPT = NORI.custom_system_prompt;

interface Attempt {
  readonly id: string;
  /** What a stranger has written. */
  readonly text: string;
  readonly job: JobInput & { readonly kind: string };
}

type Place = (text: string, common: { id: string; agent: string; context: { ref: string } }) => Attempt["job"];

const PLACES: Readonly<Record<string, Place>> = {
  mention: (mention, common) => ({ kind: "reply", mention, ...common }),
  history: (text, common) => ({ kind: "reply", mention: "m", conversation_history: [text], ...common }),
  handle: (author, common) => ({
    kind: "reply",
    mention: "m",
    conversation_history: [{ author, text: "t" }],
    ...common,
  }),
  quoted: (quoted, common) => ({ kind: "quote", quoted, author: "somebody", ...common }),
  author: (author, common) => ({ kind: "quote", quoted: "q", author, ...common }),
  topic: (topic, common) => ({ kind: "tweet", ...common, context: { ...common.context, topic } }),
  event: (event, common) => ({ kind: "tweet", ...common, context: { ...common.context, recent_events: [event] } }),
};
const OTHERS = Object.keys(PLACES).filter((place) => place !== "mention");

/** The first one is harmless; the others are asked in the same words. @param injections default: all of them */
function attemptsAt(door: string, place: string, injections = INJECTIONS): readonly Attempt[] {
  return [{ text: "x" }, ...injections].map(({ text }, index) => {
    const id = `${door}-${place}-${index}`;
    const job = PLACES[place]?.(text, { id, agent: "nori", context: { ref: id } });
    if (job === undefined) throw new Error(`no place ${place}`);
    return { id, text, job };
  });
}

/** The request for a job, without what is different for each. */
function requestFor(
  { id }: Attempt,
  { calls }: RecordedServer,
): { rest: object; system: string; message: FencedMessage } {
  const own = calls.filter(({ bodyText }) => bodyText.includes(`Ref: ${id}\\n`));
  expect(own, `one call for ${id}`).toHaveLength(1);
  const { messages, ...rest } = (own[0] as SeenCall).body as { messages: { role: string; content: string }[] };
  expect(messages.map((message) => Object.keys(message).sort())).toEqual([
    ["content", "role"],
    ["content", "role"],
  ]);
  expect(messages.map(({ role }) => role)).toEqual(["system", "user"]);
  return { rest, system: messages[0]?.content ?? "", message: takeApart(messages[1]?.content ?? "") };
}

function expectFenced(attempts: readonly Attempt[], server: RecordedServer): void {
  const [harmless, ...others] = attempts.map((attempt) => ({ attempt, ...requestFor(attempt, server) }));
  if (harmless === undefined) throw new Error("no attempts");
  const escaped = others.filter(({ attempt, rest, system, message }) => {
    const isAsAlways = JSON.stringify(rest) === JSON.stringify(harmless.rest) && system === SYSTEM_PROMPT;
    return !isAsAlways || message.outside !== harmless.message.outside || !hasText(message, attempt.text);
  });
  expect(escaped.map(({ attempt: { id, text } }) => `${id}: ${text.slice(0, 60)}`)).toEqual([]);
}

async function systemOn(openai: RecordedServer): Promise<GenerationSystem> {
  const system = await startSystem({ openai, agents: [NORI] });
  await system.startWorker();
  return system;
}

async function allEnd({ producer }: GenerationSystem, attempts: readonly Attempt[]): Promise<void> {
  const results = await Promise.all(attempts.map(({ id }) => producer.result(id, { waitMs: 25_000 })));
  const without = attempts.filter((_, index) => results[index]?.status !== "succeeded");
  expect(without.map(({ id }) => id)).toEqual([]);
}

it("by the library, in every place where a stranger's words can stand", async () => {
  await using openai = await startRecordedServer();
  await using system = await systemOn(openai);
  // The unit tests have every attempt in every place.
  const shares = OTHERS.map((place, share) => {
    const injections = INJECTIONS.filter((_, index) => index % OTHERS.length === share);
    return attemptsAt("library", place, injections);
  });
  const all = [attemptsAt("library", "mention"), ...shares];
  await system.producer.enqueueMany(all.flat().map(({ job }) => job));
  await allEnd(system, all.flat());
  for (const attempts of all) expectFenced(attempts, openai);
});

it("by HTTP", async () => {
  await using openai = await startRecordedServer();
  await using system = await systemOn(openai);
  await using monitor = await openMonitor({ namespace: system.namespace, agents: [NORI] });
  const attempts = attemptsAt("http", "mention");
  const jobs = attempts.map(({ job }) => job);
  const { status } = await monitor.send("/api/v1/jobs/batch", { method: "POST", body: { jobs } });
  expect(status).toBe(200);
  await allEnd(system, attempts);
  expectFenced(attempts, openai);
});

/** Every cell between quotation marks. */
function csvOf(attempts: readonly Attempt[]): string {
  const rows = attempts.map(({ id, text }) => [id, "nori", text, id]);
  return [["id", "agent", "mention", "ref"], ...rows]
    .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","))
    .join("\n");
}

function jsonLinesOf(attempts: readonly Attempt[]): string {
  return attempts.map(({ id, text }) => JSON.stringify({ id, agent: "nori", mention: text, ref: id })).join("\n");
}

async function runBulk({ namespace }: GenerationSystem, folder: TempFolder, file: string): Promise<void> {
  const env = { REDIS_URL: testRedisUrl(), PUPPET_ENGINE_NAMESPACE: namespace, AGENTS_DIR: "." };
  await using program = startCli(["bulk", file, "--out", `${file}.out.jsonl`, "--json"], { cwd: folder.path, env });
  const { code, stderr } = await program.ended;
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
}

it.each([
  ["csv", csvOf],
  ["jsonl", jsonLinesOf],
])("by a %s file", async (ending, format) => {
  await using openai = await startRecordedServer();
  await using system = await systemOn(openai);
  await using folder = await makeTempFolder();
  const attempts = attemptsAt(ending, "mention");
  await writeFile(join(folder.path, "nori.json"), JSON.stringify(NORI));
  await writeFile(join(folder.path, `rows.${ending}`), format(attempts));
  await runBulk(system, folder, `rows.${ending}`);
  expectFenced(attempts, openai);
});
