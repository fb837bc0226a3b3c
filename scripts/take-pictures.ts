/**
 * Takes the pictures of docs/images: the monitor and Bull Board while the example agents work, and the report of a
 * comparison, in a real browser. Needs Chromium, see scripts/install-chromium.mjs. Nobody is called but a stand-in for the vendors on this
 * machine. Fonts are the system's; the report of docs/images was taken with P052 (Debian: fonts-urw-base35).
 *   node scripts/take-pictures.ts [folder]
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import type { Page } from "playwright-core";
import { packageRoot } from "../src/platform/package-root.ts";
import { writeText } from "../src/providers/fake/write-text.ts";
import { seededRandom } from "../src/providers/fake/seeded-random.ts";
import { freePort } from "../test/support/free-port.ts";
import { completionAnswer, recordedAnswer, type RecordedAnswer } from "../test/support/recorded-answers.ts";
import { startRecordedServer, type SeenCall } from "../test/support/recorded-server.ts";
import { startCli } from "../test/support/run-cli.ts";
import { makeTempFolder } from "../test/support/temp-folder.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { findChromium, openBrowserPage } from "./chromium.ts";
import { showComparison } from "./compare-picture.ts";

const FOLDER = resolve(process.argv[2] ?? join(packageRoot(), "docs/images"));
const VIEWPORT = { width: 1280, height: 720 };
const OPENED = { lane: "openai~gpt-6-luna>grok~grok-4.3", job: "ada-03" };

/** The last so many jobs of an agent get no answer: the pictures show jobs in work and jobs that wait, too. */
const HELD_PER_AGENT = 8;
const REFUSED_TOPICS = ["the day a moth became a bug report", "dust: where it comes from and how long it stays"];

interface Topic {
  readonly agent: string;
  readonly topic: string;
  readonly mood: string;
}

async function takePictures(): Promise<void> {
  const executablePath = findChromium(process.env["PATH"] ?? "");
  if (executablePath === null) throw new Error("no Chromium found; install it: node scripts/install-chromium.mjs");
  await mkdir(FOLDER, { recursive: true });
  await showComparison(executablePath, async (page) => await take(page, "compare.png"));
  const csv = await readFile(join(packageRoot(), "examples/topics.csv"), "utf8");
  const topics: Topic[] = parse(csv, { columns: true });
  const held = new Set(
    [...Map.groupBy(topics, ({ agent }) => agent).values()].flatMap((own) => own.slice(-HELD_PER_AGENT)),
  );
  await using vendor = await startRecordedServer((call) => answer(call, [...held]));
  await using folder = await makeTempFolder();
  const port = await freePort();
  const options = { cwd: folder.path, env: { ...environment(vendor.baseUrl), MONITOR_PORT: String(port) } };
  await writeFile(join(folder.path, "settings.json"), JSON.stringify(SETTINGS));
  await writeFile(join(folder.path, "jobs.jsonl"), jobLines(topics));
  await using program = startCli(["start"], options);
  await program.waitForOutput(/monitor at /);
  await using bulk = startCli(["bulk", "jobs.jsonl", "--out", "tweets.jsonl"], options);
  // Echo's provider is the fake one, which answers all of its jobs.
  const answered = topics.length - [...held].filter(({ agent }) => agent !== "echo").length;
  const url = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await finishedJobs(`${url}/board`)) >= answered, {
    timeoutMs: 60_000,
    describe: () => `${answered} jobs are finished\n${program.stderr}${bulk.stderr}`,
  });
  await takePages(executablePath, url);
  await takeBoard(executablePath, `${url}/board`);
  for (const process of [bulk, program]) process.signal("SIGTERM");
  await Promise.all([bulk.ended, program.ended]);
}

const SETTINGS = {
  fake: { latencyMs: { min: 50, max: 300 } },
  worker: { graceSeconds: 0.1 },
  limits: ["openai", "grok"].map((provider) => ({ provider, requestsPerMinute: 500 })),
  budgets: { globalUsdPerDay: 2, providerUsdPerDay: { openai: 0.05 } },
};

function environment(baseUrl: string): Record<string, string> {
  return {
    PUPPET_ENGINE_CONFIG: "settings.json",
    WORKER_CONCURRENCY: "5",
    OPENAI_API_KEY: "sk-for-the-pictures",
    OPENAI_BASE_URL: baseUrl,
    GROK_API_KEY: "xai-for-the-pictures",
    GROK_API_ENDPOINT: baseUrl,
  };
}

function jobLines(topics: readonly Topic[]): string {
  const counts = new Map<string, number>();
  const lines = topics.map(({ agent, topic, mood }) => {
    const number = (counts.get(agent) ?? 0) + 1;
    counts.set(agent, number);
    return JSON.stringify({ id: `${agent}-${String(number).padStart(2, "0")}`, agent, topic, mood });
  });
  return `${lines.join("\n")}\n`;
}

/** The stand-in for OpenAI and xAI: the fake provider's texts, as slow as a fast model. */
async function answer({ body, bodyText, index }: SeenCall, held: readonly Topic[]): Promise<RecordedAnswer> {
  const asks = ({ topic }: Pick<Topic, "topic">): boolean => bodyText.includes(JSON.stringify(topic).slice(1, -1));
  if (held.some(asks)) return await new Promise(() => undefined);
  const random = seededRandom(String(index));
  await sleep(80 + 300 * random.next());
  if (REFUSED_TOPICS.some((topic) => asks({ topic })))
    return recordedAnswer("openai/400-invalid-prompt-usage-policy.json");
  const { messages, model } = body as unknown as { messages: Parameters<typeof writeText>[0]; model: string };
  return completionAnswer({ text: writeText(messages, { style: "witty", includePrompt: false, random }), model });
}

async function finishedJobs(url: string): Promise<number> {
  const response = await fetch(`${url}/api/queues`);
  const { queues } = (await response.json()) as { queues: { counts: { completed: number; failed: number } }[] };
  return queues.reduce((sum, { counts }) => sum + counts.completed + counts.failed, 0);
}

/** What each page shows when it is drawn. */
const PAGES = [
  { path: "/", name: "monitor-overview.png", shown: "Workers" },
  { path: "/usage?days=1", name: "monitor-usage.png", shown: "Budgets of today" },
  { path: "/results?agent=ada", name: "monitor-results.png", shown: "Results" },
] as const;

async function takePages(executablePath: string, url: string): Promise<void> {
  for (const { path, name, shown } of PAGES) {
    await using browser = await openBrowserPage({ executablePath, url: `${url}${path}`, viewport: VIEWPORT });
    await browser.page.getByRole("heading", { name: shown }).waitFor();
    if (path.startsWith("/usage")) await browser.page.locator(".plot canvas").last().waitFor();
    await take(browser.page, name);
    complain(browser.faults);
  }
  const phone = { viewport: { width: 390, height: 780 }, colorScheme: "dark" } as const;
  await using browser = await openBrowserPage({ executablePath, url, ...phone });
  await browser.page.getByRole("heading", { name: "Workers" }).waitFor();
  await take(browser.page, "monitor-phone.png");
}

function complain(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`the page has faults:\n${faults.join("\n")}`);
}

async function takeBoard(executablePath: string, url: string): Promise<void> {
  await using browser = await openBrowserPage({ executablePath, url, viewport: VIEWPORT });
  const { page, faults } = browser;
  await page.getByText("openai/gpt-6-luna > grok/grok-4.3", { exact: true }).waitFor();
  await take(page, "bull-board.png");
  await page.goto(`${url}/queue/${encodeURIComponent(OPENED.lane)}/j_${OPENED.job}`);
  await page.getByText("returnValue").waitFor();
  await showText(page);
  await take(page, "bull-board-job.png");
  complain(faults);
}

/** Unfolds the job's context and scrolls its data to the end, where the text stands. */
async function showText(page: Page): Promise<void> {
  await page.getByRole("button", { name: "expand JSON" }).click();
  await page.getByText('"gpt-6-luna"').scrollIntoViewIfNeeded();
}

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate("document.fonts.ready");
  const path = join(FOLDER, name);
  await page.screenshot({ path, animations: "disabled", caret: "hide" });
  console.log(path);
}

await takePictures();
