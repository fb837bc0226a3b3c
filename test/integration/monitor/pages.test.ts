import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { configFileSchema } from "../../../src/config/config-file.ts";
import { ADA, startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { testNamespace } from "../../support/redis.ts";
import { startLocalRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait-for.ts";
import { openMonitor, type TestMonitor } from "./open-monitor.ts";

const LANE = "openai~gpt-6-luna";
const CHAIN = "openai/gpt-6-luna";
const SCRIPT = `</script><script>alert(1)</script><img src=x onerror="alert(1)">`;
const REFUSED = recordedAnswer("openai/400-invalid-type.json");
const PAGES = ["/", "/usage", "/runs", "/results"];
const HOUR_MS = 3600_000;

const text = async (monitor: TestMonitor, path: string): Promise<string> => {
  const answer = await monitor.send(path);
  expect({ path, status: answer.status }).toEqual({ path, status: 200 });
  return answer.text;
};

/** What a reader sees, on one line. */
const wordsOf = (markup: string): string =>
  markup
    .replace(/<[^>]*>/g, " ")
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, " ");

const words = async (monitor: TestMonitor, path: string): Promise<string> => wordsOf(await text(monitor, path));

/** A form of a page, as a browser sends it. */
const press = async (monitor: TestMonitor, action: string, form: Record<string, string>) =>
  await monitor.send(action, { method: "POST", headers: { "sec-fetch-site": "same-origin" }, form });

async function succeed(system: GenerationSystem, ids: readonly string[], { stops = false } = {}): Promise<void> {
  const worker = await system.startWorker();
  for (const id of ids) expect((await system.run({ id, kind: "tweet", agent: "nori" })).status).toBe("succeeded");
  if (stops) await worker.stop();
}

describe("every page", () => {
  it.each(PAGES)("%s says what to do while there is nothing to see", async (path) => {
    await using monitor = await openMonitor({ namespace: testNamespace() });
    expect(await words(monitor, path)).toMatch(
      {
        "/": /no worker is running; start one with puppet-engine worker .*No lane yet.*No calls yet/,
        "/usage": /No calls in this time.*No job has ended yet.*No budget is set/,
        "/runs": /No bulk run in the last 30 days; puppet-engine bulk begins one.*puppet-engine schedule sync/,
        "/results": /Nothing was found/,
      }[path] ?? /never/,
    );
  });

  it("is small, has nothing inline, and nothing of another origin", async () => {
    await using openai = await startRecordedServer(completionAnswer({ text: "Looms came first." }));
    await using system = await startSystem({ openai });
    await succeed(system, ["a", "b"]);
    await using monitor = await openMonitor(system);
    for (const path of [...PAGES, "/results/a", "/login"]) {
      const { text: page, headers } = await monitor.send(path, { headers: { accept: "text/html" } });
      if (path === "/login") continue;
      const assets = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, asset = ""]) => asset);
      expect(assets.length).toBeGreaterThan(4);
      const sizes = await Promise.all(assets.map(async (asset) => (await text(monitor, asset)).length));
      const charts = (await text(monitor, (assets[0] ?? "").replace(/[^/]+$/, "charts.js"))).length;
      const total = page.length + charts + sizes.reduce((sum, size) => sum + size, 0);
      expect(total, `${path}: page and assets together, uncompressed`).toBeLessThan(200_000);
      expect(page).not.toMatch(/ style=| on\w+=|<style|<script(?![^>]* src=)|javascript:|https?:\/\/(?!127)/i);
      expect(headers["content-security-policy"]).toContain("default-src 'none';script-src 'self';style-src 'self'");
    }
  });

  it("shows what somebody wrote as text, and nothing else", async () => {
    await using openai = await startRecordedServer(completionAnswer({ text: SCRIPT }));
    await using system = await startSystem({ openai });
    await system.startWorker();
    await system.run({ id: "a", kind: "content", agent: "nori", prompt: SCRIPT });
    await system.producer.runs.begin({ id: "r", input: SCRIPT, output: null, agent: SCRIPT, total: 1 });
    await using monitor = await openMonitor(system);
    const query = new URLSearchParams({ agent: SCRIPT, day: "2026-01-01", kind: SCRIPT, before: "1-1" });
    for (const path of [
      ...PAGES,
      "/results/a",
      `/results/${encodeURIComponent(SCRIPT)}`,
      `/results?${query.toString()}`,
    ]) {
      const page = (await monitor.send(path)).text;
      expect(page.match(/<script/g), path).toHaveLength(3);
      expect(page, path).not.toContain("<img");
    }
    expect(await text(monitor, "/results")).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
  });

  it("that there is not is said to be missing, and a wrong filter is named", async () => {
    await using monitor = await openMonitor({ namespace: testNamespace() });
    expect((await monitor.send("/results/nothing")).status).toBe(404);
    expect(wordsOf((await monitor.send("/results/nothing")).text)).toContain(
      "There is no such job, or it is forgotten",
    );
    const page = await monitor.send("/nowhere", { headers: { accept: "text/html" } });
    expect({ status: page.status, words: wordsOf(page.text) }).toMatchObject({
      status: 404,
      words: expect.stringMatching(/Not found There is no such page/) as string,
    });
    const program = await monitor.send("/nowhere?a=1");
    expect({ status: program.status, text: program.text }).toEqual({
      status: 404,
      text: '{"error":"there is nothing at GET /nowhere"}',
    });
    const wrong = await monitor.send("/results?day=yesterday");
    expect(wrong.status).toBe(400);
    expect(wordsOf(wrong.text)).toContain("day: got &quot;yesterday&quot;; expected a day such as 2026-11-26");
    for (const before of ["0-0", "x", "9".repeat(40)])
      expect((await monitor.send(`/results?before=${before}`)).status, before).toBe(400);
  });

  it("says that Redis is away, and works again when it is back", async () => {
    await using server = await startLocalRedis();
    await using monitor = await openMonitor({ namespace: testNamespace(), redisUrl: server.url });
    await words(monitor, "/usage");
    await server.stop();
    const answer = await monitor.send("/usage");
    expect(answer.status).toBe(503);
    expect(wordsOf(answer.text)).toContain("Redis cannot be reached: no connection; start it, or correct REDIS_URL");
  });

  it("offers viewers no button", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await succeed(system, ["a"], { stops: true });
    await system.producer.enqueue({ id: "waits", kind: "tweet", agent: "ada" });
    await system.producer.runs.begin({ id: "r", input: null, output: null, agent: null, total: 1 });
    for (const readOnly of [false, true]) {
      await using monitor = await openMonitor({ namespace: system.namespace, readOnly });
      for (const path of ["/", "/runs", "/results/waits"])
        expect((await text(monitor, path)).includes('method="post"'), path).toBe(!readOnly);
      if (!readOnly) continue;
      const headers = { accept: "text/html", "sec-fetch-site": "same-origin" };
      const refused = await monitor.send("/pause", { method: "POST", headers, form: { all: "yes" } });
      expect(refused.status).toBe(403);
      expect(wordsOf(refused.text)).toContain("That cannot be done this monitor is read-only (--read-only)");
    }
  });
});

describe("the overview", () => {
  it("shows lanes, the state of their providers, workers, and what today has cost", async () => {
    await using openai = await startRecordedServer(completionAnswer());
    await using system = await startSystem({ openai, settings: { prices: [PRICE] } });
    await succeed(system, ["a", "b", "c"]);
    const page = await waitFor(
      async () => {
        const file = configFileSchema.parse({
          limits: [{ provider: "openai", requestsPerMinute: 500 }],
          budgets: { globalUsdPerDay: 2 },
        });
        await using monitor = await openMonitor({ namespace: system.namespace, file });
        const shown = await words(monitor, "/");
        return / of 16 /.test(shown) ? shown : undefined;
      },
      { describe: () => "the worker tells of itself" },
    );
    expect(page).toContain("Everything runs: jobs are taken, and no provider is paused.");
    expect(page).toMatch(/Texts today \(UTC\) 3 Failed today 0 Held today 0/);
    expect(page).toMatch(/Calls today 3 0 without a text/);
    // (40 x 1 + 8 x 10) micro-USD each
    expect(page).toMatch(/Cost today \$0\.000360 of \$2\b/);
    expect(page).toMatch(/openai\/gpt-6-luna#[0-9a-f]{8} ok 3 \/ 500 3 100 %/);
  });

  it("shows what is stuck: a provider that refuses the key", async () => {
    await using openai = await startRecordedServer(recordedAnswer("openai/401-invalid-api-key.json"));
    await using system = await startSystem({ openai });
    await system.startWorker();
    await system.run({ id: "a", kind: "tweet", agent: "nori" });
    await using monitor = await openMonitor(system);
    const page = await words(monitor, "/");
    expect(page).toMatch(/Key openai#[0-9a-f]{8} is paused: authentication; replace the key and restart the workers/);
    // In both lanes, and of the limit group.
    expect(page.match(/paused: authentication, [45] min \d+ s more/g)).toHaveLength(3);
    expect(page).toMatch(/Failed today 1 see why/);
  });

  it("pauses and resumes a lane, a provider, everything", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    await system.producer.enqueue({ id: "a", kind: "tweet", agent: "nori" });
    const isPaused = async (): Promise<boolean> => await system.lane(LANE).isPaused();
    for (const form of [{ lane: LANE }, { provider: "openai" }, { all: "yes" }] as const) {
      const answer = await press(monitor, "/pause", { ...form, from: "/" });
      expect({ status: answer.status, location: answer.headers.location }).toEqual({ status: 303, location: "/" });
      expect(await isPaused()).toBe(true);
      expect(await words(monitor, "/")).toMatch(/is paused by an operator for \d+ s.* Resume/);
      await press(monitor, "/resume", { ...form, from: "/" });
      expect(await isPaused()).toBe(false);
    }
    expect(await words(monitor, "/")).toContain(`${CHAIN} waiting 1`);
    const unknown = await press(monitor, "/pause", { lane: "none" });
    expect(unknown.status).toBe(400);
    expect(wordsOf(unknown.text)).toContain("lane: got &quot;none&quot;; expected ");
    expect((await press(monitor, "/pause", { provider: "none" })).status).toBe(400);
    expect((await press(monitor, "/pause", { lanes: LANE })).status, "a mistyped field pauses nothing").toBe(400);
    expect(await system.redis.hgetall(system.keys.operatorPauses)).toEqual({});
  });
});

const PRICE = { provider: "openai", model: "gpt-6-luna", inputMtok: 1, outputMtok: 10 };

function bucketsOf(days: string, by: string): number {
  if (by === "agent") return Math.min(30, Number(days));
  return days === "1" ? new Date().getUTCHours() + 1 : Number(days);
}

describe("usage and cost", () => {
  it("adds up by model, provider, agent and kind, in tables that charts are drawn of", async () => {
    await using openai = await startRecordedServer(completionAnswer());
    await using system = await startSystem({ openai, settings: { prices: [PRICE] } });
    await succeed(system, ["a", "b"]);
    const file = configFileSchema.parse({ budgets: { globalUsdPerDay: 1 } });
    await using monitor = await openMonitor({ namespace: system.namespace, file });
    for (const [by, key] of [
      ["model", CHAIN],
      ["provider", "openai"],
      ["agent", "nori"],
      ["kind", "tweet"],
    ] as const) {
      for (const days of ["1", "7", "400"]) {
        const page = await text(monitor, `/usage?by=${by}&days=${days}`);
        expect(wordsOf(page)).toMatch(new RegExp(`By ${by} .* ${key} 2 80 16 \\$0\\.000240 \\$0\\.1200`));
        const [, chart = ""] = /data-chart="([^"]*)"/.exec(page) ?? [];
        const { at, stepMs, series } = JSON.parse(chart.replaceAll("&quot;", '"')) as {
          at: number[];
          stepMs: number;
          series: { name: string; values: number[] }[];
        };
        expect(at).toHaveLength(bucketsOf(days, by));
        // Also of one bucket: in the first hour of a day.
        expect(stepMs).toBe(days === "1" && by !== "agent" ? HOUR_MS : 24 * HOUR_MS);
        expect(series.map(({ name }) => name)).toEqual([key]);
        expect(series[0]?.values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0.00024, 12);
      }
    }
    expect(await words(monitor, "/usage")).toMatch(/Budgets of today .* global \$0\.000240 \$0\.0000 \$1\.0000 0 %/);
    expect(await words(monitor, "/usage")).toMatch(/Cost per 1,000 tweets \$0\.120 all attempts of tweets/);
  });
});

describe("usage of the last hours", () => {
  it("adds up what the charts show, and nothing that is counted by the day", async () => {
    await using openai = await startRecordedServer(completionAnswer());
    await using system = await startSystem({ openai, settings: { prices: [PRICE] } });
    await succeed(system, ["a", "b"]);
    await using monitor = await openMonitor(system);
    for (const hours of [24, 48]) {
      const page = await text(monitor, `/usage?by=model&days=${hours}h`);
      const [, chart = ""] = /data-chart="([^"]*)"/.exec(page) ?? [];
      expect((JSON.parse(chart.replaceAll("&quot;", '"')) as { at: number[] }).at).toHaveLength(hours);
      expect(wordsOf(page)).toMatch(/Cost \$0\.000240 Calls 2 Tokens in 80 Tokens out 16/);
      expect(wordsOf(page)).toMatch(
        /Model Calls Without a text Tokens in Tokens out Cost Per 1,000 answers openai\/gpt-6-luna 2 80 16 \$0\.000240 \$0\.1200/,
      );
      expect(wordsOf(page)).not.toMatch(/p95|Texts by kind|CSV/);
      expect(page).toContain(`<option value="${hours}h" selected>`);
    }
    // Agents are counted by the day.
    expect(await text(monitor, "/usage?by=agent&days=24h")).toContain('<option value="1" selected>');
  });
});

describe("runs", () => {
  it("show how far they are, and are paused, resumed and cancelled; what failed is tried again", async () => {
    await using openai = await startRecordedServer(REFUSED);
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    const { runs } = system.producer;
    await runs.begin({ id: "night", input: null, output: null, agent: null, total: 4 });
    await system.producer.enqueueMany([{ id: "n1", kind: "tweet", agent: "nori" }], { run: "night" });
    await system.startWorker();
    expect((await system.resultOf("n1")).status).toBe("failed");
    expect(await words(monitor, "/runs")).toMatch(
      /night stopped: nobody feeds it its jobs are still worked off; nothing is added 1 of 4, 25 % 1 failed/,
    );

    for (const [action, state] of [
      ["/runs/pause", "paused"],
      ["/runs/resume", "running"],
      ["/runs/cancel", "cancelled"],
      ["/runs/resume", "running"],
    ] as const) {
      const answer = await press(monitor, action, { run: "night", from: "/runs" });
      expect(answer.headers.location).toBe("/runs");
      expect((await runs.read("night"))?.state).toBe(state);
    }
    openai.answerWith(completionAnswer({ text: "Second time lucky." }));
    await system.queued(LANE, "n1", "failed");
    await press(monitor, "/runs/retry-failed", { run: "night", from: "/runs" });
    const result = await waitFor(async () => {
      const now = await system.producer.result("n1");
      return now?.status === "succeeded" ? now : undefined;
    });
    expect(result).toMatchObject({ text: "Second time lucky." });
    expect(await words(monitor, "/runs")).toMatch(/1 of 4, 25 % 1 succeeded/);
    const unknown = await press(monitor, "/runs/pause", { run: "none" });
    expect(unknown.status).toBe(400);
    await runs.setState("night", "done");
    const old = await press(monitor, "/runs/pause", { run: "night" });
    expect(old.status, "the page was old").toBe(409);
    expect(wordsOf(old.text)).toContain("run night is done: it cannot be paused");
    expect(wordsOf(unknown.text)).toContain("run: got &quot;none&quot;; expected the id of a bulk run");
  });
});

describe("results", () => {
  it("are found by agent, kind, status and day, page after page", async () => {
    await using openai = await startRecordedServer(completionAnswer({ text: "Looms came first. #looms" }));
    await using system = await startSystem({ openai });
    await succeed(
      system,
      Array.from({ length: 31 }, (_, index) => `t${index}`),
    );
    await system.run({ id: "adas", kind: "reply", agent: "ada", mention: "Why looms?" });
    await using monitor = await openMonitor(system);
    const found = async (query: string): Promise<string[]> =>
      [...(await text(monitor, `/results?${query}`)).matchAll(/<a href="\/results\/([^"?]+)"/g)].map(
        ([, id = ""]) => id,
      );
    expect(await found("")).toHaveLength(30);
    expect((await found(""))[0]).toBe("adas");
    expect(await found("agent=ada")).toEqual(["adas"]);
    expect(await found("kind=reply")).toEqual(["adas"]);
    expect(await found("status=failed")).toEqual([]);
    expect(await found("day=2026-01-01")).toEqual([]);
    const [, older = ""] = /href="\/results\?([^"]*before=[^"]*)">Older/.exec(await text(monitor, "/results")) ?? [];
    expect(await found(older.replaceAll("&amp;", "&"))).toEqual(["t1", "t0"]);
    const page = await text(monitor, "/results/adas");
    expect(page).toContain('<span class="link">#looms</span>');
    expect(wordsOf(page)).toMatch(/24 of 280 characters as X counts them/);
    expect(wordsOf(page)).toMatch(
      /1 openai\/gpt-6-luna generate succeeded succeeded (\d+ s ago · \d\d:\d\d UTC )?\d+ ms 40 8/,
    );
    const direct = await monitor.send("/job?id=%20adas%20");
    expect({ status: direct.status, to: direct.headers.location }).toEqual({ status: 303, to: "/results/adas" });
  });

  it("show every attempt with its error, and a job that waits can be cancelled", async () => {
    await using openai = await startRecordedServer(recordedAnswer("openai/500-server-error.json"));
    await using grok = await startRecordedServer(completionAnswer({ text: "Looms.", model: "grok-4.3" }));
    await using system = await startSystem({ openai, grok, agents: [ADA] });
    await using monitor = await openMonitor(system);
    await system.producer.enqueue({ id: "waits", kind: "tweet", agent: "ada" });
    expect(await words(monitor, "/results/waits")).toMatch(
      /Job waits waiting Cancel waits What was asked Kind tweet .*Enqueued \d+ s ago · \d\d:\d\d UTC Urgency \w+ Attempts Nobody was called/,
    );
    expect(await text(monitor, "/results/waits")).toContain('data-confirm="Cancel the job waits?');
    await press(monitor, "/cancel", { job: "waits", from: "/results/waits" });
    expect(await words(monitor, "/results/waits")).toMatch(/cancelled before a provider was called/);
    await system.startWorker();
    await system.run({ id: "over", kind: "tweet", agent: "ada" });
    const page = await words(monitor, "/results/over");
    expect(page).toMatch(/1 openai\/gpt-6-luna generate overloaded tried again/);
    expect(page).toMatch(/3 openai\/gpt-6-luna generate overloaded failed over to grok\/grok-4\.3/);
    expect(page).toMatch(/4 grok\/grok-4\.3 generate succeeded succeeded/);
  });
});

describe("a page follows by itself", () => {
  it("by events, when something has changed; and by asking for its main part", async () => {
    await using openai = await startRecordedServer();
    await using system = await startSystem({ openai });
    await using monitor = await openMonitor(system);
    const [events] = (await once(get(`${monitor.url}/live?page=%2Fruns`), "response")) as [IncomingMessage];
    expect(events.headers["content-type"]).toBe("text/event-stream");
    let heard = "";
    events.setEncoding("utf8").on("data", (part: string) => (heard += part));
    await waitFor(() => heard.includes("No bulk run in the last 30 days"));
    await system.producer.runs.begin({ id: "new", input: null, output: null, agent: null, total: 10 });
    await waitFor(() => heard.includes("progress of new"));
    events.destroy();
    const part = await monitor.send("/runs", { headers: { "x-part": "main" } });
    expect(part.text).toMatch(/^<h1>Runs and schedules<\/h1>/);
    for (const page of ["/nothing", "//evil.example/", "/live", "", "/board"])
      expect((await monitor.send(`/live?page=${encodeURIComponent(page)}`)).status, page).toBe(404);
  });
});
