import { readFileSync } from "node:fs";
import type { Locator, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { findChromium, openBrowserPage, type BrowserOptions, type BrowserPage } from "../../scripts/chromium.ts";
import { openMonitor } from "../integration/monitor/open-monitor.ts";
import { NORI, startSystem, type GenerationSystem } from "../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { startLocalRedis } from "../support/redis-server.ts";
import { testNamespace } from "../support/redis.ts";

const TOKEN = "correct horse battery staple";
const VIEWER_TOKEN = "who only looks";
const LANE = "openai~gpt-6-luna";
const SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>";
const LONG_NAME = "n".repeat(100);
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 375, height: 740 };
const PAGES = ["/", "/usage?days=1", "/usage?by=agent", "/runs", "/results", "/results/a", `/results/${LONG_NAME}`];

const CHROMIUM = findChromium(process.env["PATH"] ?? "");
const SKIPPED = CHROMIUM === null ? " (skipped: no Chromium here; npm run setup:browser installs it)" : "";

const AXE = readFileSync(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");

const open = async (url: string, options: Partial<BrowserOptions> = {}): Promise<BrowserPage> =>
  await openBrowserPage({ executablePath: CHROMIUM ?? "", url, viewport: DESKTOP, ...options });

/** What axe-core finds, with where it is. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  });
}

/** Texts, failures, a refused key, long names, a job that waits, a run half done: something on every page. */
async function fill(system: GenerationSystem): Promise<void> {
  const { producer } = system;
  const worker = await system.startWorker();
  await producer.runs.begin({ id: "night", input: null, output: null, agent: null, total: 10 });
  const jobs = ["a", "b", "c"].map((id) => ({ id, kind: "tweet", agent: "nori", context: { topic: SCRIPT } }) as const);
  await producer.enqueueMany(jobs, { run: "night" });
  for (const { id } of jobs) await system.resultOf(id);
  await system.run({ id: "d", kind: "reply", agent: "nori", mention: "refuse me" });
  await system.run({ id: LONG_NAME, kind: "tweet", agent: LONG_NAME });
  await system.run({ id: "locked", kind: "reply", agent: "nori", mention: "shut me out" });
  await worker.stop();
  await producer.enqueue({ id: "waits", kind: "tweet", agent: "nori" });
  await producer.runs.begin({ id: LONG_NAME, input: LONG_NAME, output: null, agent: null, total: 10 });
}

async function isFocused(control: Locator): Promise<boolean> {
  return (await control.and(control.page().locator(":focus")).count()) === 1;
}

/** Nothing moves when a bar is pointed at. */
async function pointAtChart(page: Page): Promise<void> {
  const plot = page.locator(".plot").first();
  await plot.locator("canvas").waitFor();
  const { height } = (await plot.boundingBox()) ?? {};
  await plot.locator(".u-over").hover();
  await plot.getByText(/^\$/).first().waitFor();
  expect((await plot.boundingBox())?.height).toBe(height);
}

/** Whether the page is shown, as far as it can tell. */
async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(`Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));`);
}

describe.skipIf(CHROMIUM === null)(`The monitor's pages in Chromium${SKIPPED}`, { timeout: 90_000 }, () => {
  it.each([
    ["light, on a desktop", "light", DESKTOP],
    ["dark, on a phone", "dark", PHONE],
  ] as const)("are readable for everybody: %s", async (_, colorScheme, viewport) => {
    await using openai = await startRecordedServer(({ bodyText }) => {
      if (bodyText.includes("refuse me")) return recordedAnswer("openai/400-invalid-type.json");
      if (bodyText.includes("shut me out")) return recordedAnswer("openai/401-invalid-api-key.json");
      return completionAnswer({ text: `${SCRIPT} https://example.com #looms ${LONG_NAME}` });
    });
    const agents = [NORI, { ...NORI, id: LONG_NAME }];
    await using system = await startSystem({ openai, agents, settings: { budgets: { globalUsdPerDay: 5 } } });
    await fill(system);
    await using monitor = await openMonitor(system);
    await using browser = await open(monitor.url, { viewport, colorScheme });
    const { page, faults } = browser;
    for (const path of PAGES) {
      await page.goto(`${monitor.url}${path}`);
      if (path.startsWith("/usage")) await pointAtChart(page);
      expect(await violationsOf(page), path).toEqual([]);
      const { width } = await page.locator("html").evaluate(({ scrollWidth }) => ({ width: scrollWidth }));
      expect(width, `${path} does not need to be pushed sideways`).toBeLessThanOrEqual(viewport.width);
    }
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(background).toBe(colorScheme === "dark" ? "rgb(21, 22, 26)" : "rgb(251, 250, 247)");
    expect(await page.locator("img").count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it("follow a bulk run while it is worked off, without being loaded again", async () => {
    const { promise: opened, resolve: answerAll } = Promise.withResolvers<void>();
    await using openai = await startRecordedServer(async () => {
      await opened;
      return completionAnswer();
    });
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.producer.runs.begin({ id: "night", input: null, output: null, agent: null, total: 5 });
    const jobs = Array.from({ length: 5 }, (_, index) => ({ id: `n${index}`, kind: "tweet", agent: "nori" }) as const);
    await system.producer.enqueueMany(jobs, { run: "night" });
    await using browser = await open(`${monitor.url}/runs`);
    const { page, faults } = browser;
    await page.getByText("0 of 5, 0 %").waitFor();
    await page.evaluate("globalThis.isSame = true");
    await system.startWorker();
    answerAll();
    await page.getByText("5 of 5, 100 %").waitFor();
    expect(await page.getByRole("progressbar", { name: "progress of night" }).getAttribute("value")).toBe("1.0000");
    expect(await page.evaluate("globalThis.isSame")).toBe(true);
    expect(faults).toEqual([]);
  });

  it("pause and resume a lane with the keyboard alone", async () => {
    await using system = await startSystem();
    await system.producer.enqueue({ id: "a", kind: "tweet", agent: "nori" });
    await using monitor = await openMonitor(system);
    await using browser = await open(monitor.url);
    const { page, faults } = browser;
    const pause = page.getByRole("button", { name: "Pause openai/gpt-6-luna", exact: true });
    await pause.focus();
    await page.keyboard.press("Enter");
    const resume = page.getByRole("row").getByRole("button", { name: "Resume openai/gpt-6-luna", exact: true });
    await resume.waitFor();
    expect(await system.lane(LANE).isPaused()).toBe(true);
    expect(await isFocused(resume), "the focus stays where it was").toBe(true);
    await page.keyboard.press("Enter");
    await pause.waitFor();
    expect(await isFocused(pause)).toBe(true);
    const headers = { "sec-fetch-site": "same-origin" };
    await monitor.send("/pause", { method: "POST", headers, form: { lane: LANE, from: "/" } });
    await resume.waitFor();
    expect(await isFocused(resume), "the button says what it does when somebody else has paused").toBe(true);
    await page
      .getByRole("listitem")
      .getByRole("button", { name: /^Resume/ })
      .press("Enter");
    await pause.waitFor();
    expect(await isFocused(pause), "its own button is gone: the focus is where the lane is").toBe(true);
    expect(await system.lane(LANE).isPaused()).toBe(false);
    expect(faults).toEqual([]);
  });

  it("ask for a token, refuse a wrong one, let viewers look, and operators out again", async () => {
    await using system = await startSystem();
    await system.producer.enqueue({ id: "a", kind: "tweet", agent: "nori" });
    await using monitor = await openMonitor({ namespace: system.namespace, token: TOKEN, viewerToken: VIEWER_TOKEN });
    await using browser = await open(`${monitor.url}/runs`);
    const { page, faults } = browser;
    await page.getByLabel("Token").fill("a guess");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("That is not the token.").waitFor();
    expect(await violationsOf(page)).toEqual([]);
    expect(await isFocused(page.getByLabel("Token"))).toBe(true);
    await page.getByLabel("Token").fill(VIEWER_TOKEN);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Runs and schedules" }).waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByText("openai/gpt-6-luna", { exact: true }).first().waitFor();
    expect(await page.getByRole("button", { name: /Pause/ }).count()).toBe(0);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Pause everything" }).waitFor();
    expect(faults.filter((fault) => !fault.includes("401"))).toEqual([]);
  });

  it("say that Redis is away and how old they are, and that a button failed, until it is back", async () => {
    await using server = await startLocalRedis();
    const namespace = testNamespace();
    await using monitor = await openMonitor({ namespace, redisUrl: server.url });
    await using browser = await open(monitor.url);
    const { page } = browser;
    const freshness = page.locator("#freshness");
    const pauseAll = page.getByRole("button", { name: "Pause everything" });
    await freshness.getByText("Live").waitFor();
    const second = await page.context().newPage();
    await server.stop();
    const opened = second.goto(`${monitor.url}/usage`);
    await freshness
      .getByRole("alert")
      .getByText(/^Redis cannot be reached: .*REDIS_URL$/)
      .waitFor();
    expect(await freshness.textContent()).toMatch(/REDIS_URL; what you see is from \d+ s ago$/);
    page.removeAllListeners("dialog");
    page.on("dialog", (dialog) => void dialog.accept());
    await pauseAll.press("Enter");
    const notice = page.locator("#notice");
    await notice.getByText(/Redis cannot be reached/).waitFor();
    expect(await isFocused(pauseAll)).toBe(true);
    expect(await violationsOf(page)).toEqual([]);
    await opened;
    await second.getByRole("heading", { name: "Not available" }).waitFor();
    expect(await second.locator("#freshness").textContent()).not.toContain("Live");
    await server.start();
    await freshness.getByText("Live").waitFor();
    await second.getByRole("heading", { name: "Usage and cost" }).waitFor();
    await notice.getByRole("button", { name: "Close" }).press("Enter");
    expect(await notice.textContent()).toBe("");
  });

  it("leave alone what is typed and read, and follow only while they can be seen", async () => {
    await using openai = await startRecordedServer(completionAnswer());
    await using system = await startSystem({ openai });
    await system.startWorker();
    const write = async (prefix: string, count: number): Promise<void> => {
      const ids = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
      await Promise.all(ids.map((id) => system.run({ id, kind: "tweet", agent: "nori" })));
    };
    await write("old", 12);
    await using monitor = await openMonitor(system);
    await using browser = await open(`${monitor.url}/results`);
    const { page, faults } = browser;
    await page.locator("html[data-follows=events]").waitFor();
    const agent = page.getByLabel("Agent");
    await agent.fill("no");
    await page.getByRole("button", { name: "Search" }).focus();
    await write("new", 1);
    await page.getByText("new0").waitFor();
    expect(await agent.inputValue()).toBe("no");
    await agent.fill("nori");
    await agent.press("Enter");
    await page.waitForURL("**/results?agent=nori*");
    await agent.and(page.locator(":focus")).waitFor();
    await page.evaluate("scrollTo(0, 600)");
    await write("later", 1);
    const offer = page.getByRole("button", { name: "New results: show" });
    await offer.waitFor();
    expect(await page.getByText("later0").count()).toBe(0);
    await offer.click();
    await page.getByText("later0").waitFor();
    expect(await offer.count()).toBe(0);
    const ended = page.waitForEvent("requestfailed", { predicate: (request) => request.url().includes("/live") });
    await setHidden(page, true);
    await ended;
    await write("unseen", 1);
    expect(await page.getByText("unseen0").count()).toBe(0);
    await setHidden(page, false);
    await page.getByText("unseen0").waitFor();
    expect(faults).toEqual([]);
  });

  it("follow by asking where no events come through", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    await using browser = await open("about:blank");
    const { page } = browser;
    await page.route("**/live?*", async (route) => await route.abort());
    await page.goto(`${monitor.url}/runs`);
    await page.locator("html[data-follows=polling]").waitFor();
    await system.producer.runs.begin({ id: "new", input: null, output: null, agent: null, total: 10 });
    await page.getByText("0 of 10, 0 %").waitFor();
  });
});
