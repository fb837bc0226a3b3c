import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { seededRandom } from "../src/providers/fake/seeded-random.ts";
import type { ResponseStyle } from "../src/providers/fake/phrases.ts";
import { writeText } from "../src/providers/fake/write-text.ts";
import { completionAnswer, type RecordedAnswer } from "../test/support/recorded-answers.ts";
import { startRecordedServer, type SeenCall } from "../test/support/recorded-server.ts";
import { runCli } from "../test/support/run-cli.ts";
import { makeTempFolder } from "../test/support/temp-folder.ts";
import { openBrowserPage } from "./chromium.ts";

const TOPICS = ["the smell of rain", "a tall ship in the fog", "why clocks disagree", "the first program"];
const VIEWPORT = { width: 1280, height: 1080 };

/** How the stand-in plays each model. Reasoning is billed as output. */
const MODELS: Readonly<Record<string, { style: ResponseStyle; minMs: number; maxMs: number; reasoning: number }>> = {
  "gpt-6-luna": { style: "witty", minMs: 90, maxMs: 260, reasoning: 0 },
  "gpt-6.1-sol": { style: "helpful", minMs: 400, maxMs: 900, reasoning: 90 },
  "grok-4.3": { style: "poetic", minMs: 200, maxMs: 480, reasoning: 0 },
};

/** A page with the report of a comparison, whose vendors are a stand-in on this machine. */
export async function showComparison(executablePath: string, take: (page: Page) => Promise<void>): Promise<void> {
  await using vendor = await startRecordedServer(answer);
  await using folder = await makeTempFolder();
  const models = "openai/gpt-6-luna,openai/gpt-6.1-sol,grok/grok-4.3";
  const topics = TOPICS.flatMap((topic) => ["--topic", topic]);
  const args = ["compare", "--models", models, "--agent", "ada", ...topics, "--name", "rain", "--worker"];
  const env = {
    ...{ PUPPET_ENGINE_DATA: join(folder.path, "data"), WORKER_CONCURRENCY: "4" },
    ...{ OPENAI_API_KEY: "sk-for-the-pictures", OPENAI_BASE_URL: vendor.baseUrl },
    ...{ GROK_API_KEY: "xai-for-the-pictures", GROK_API_ENDPOINT: vendor.baseUrl },
  };
  const run = await runCli([...args, "--html", "report.html"], { cwd: folder.path, env });
  if (run.code !== 0) throw new Error(`compare ended with ${run.code}:\n${run.stderr}`);
  const url = pathToFileURL(join(folder.path, "report.html")).href;
  await using browser = await openBrowserPage({ executablePath, url, viewport: VIEWPORT });
  await take(browser.page);
  if (browser.faults.length > 0) throw new Error(`the report has faults:\n${browser.faults.join("\n")}`);
}

async function answer({ body, bodyText }: SeenCall): Promise<RecordedAnswer> {
  const { messages, model } = body as unknown as { messages: Parameters<typeof writeText>[0]; model: string };
  const { style, minMs, maxMs, reasoning } = MODELS[model] ?? { style: "terse", minMs: 0, maxMs: 0, reasoning: 0 };
  const random = seededRandom(bodyText);
  await sleep(minMs + (maxMs - minMs) * random.next());
  const text = writeText(messages, { style, includePrompt: false, random });
  const input = Math.ceil(bodyText.length / 4);
  const output = Math.ceil(text.length / 4) + Math.round(reasoning * (0.5 + random.next()));
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  return completionAnswer({ text, model, usage });
}
