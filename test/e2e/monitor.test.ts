import { describe, expect, it } from "vitest";
import { findChromium, openBrowserPage, type BrowserPage } from "../../scripts/chromium.ts";
import { openCliSession } from "../support/cli-session.ts";
import { freePort } from "../support/free-port.ts";
import { startSystem, TEST_KEYS } from "../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { testNamespace } from "../support/redis.ts";
import { openMonitor } from "../integration/monitor/open-monitor.ts";

const TOKEN = "correct-horse-battery-staple";
const VIEWER_TOKEN = "who-only-looks-around";

describe("puppet-engine monitor", () => {
  it("serves until SIGTERM, and then ends with 0", async () => {
    const port = String(await freePort());
    await using session = await openCliSession();
    await using monitor = session.start("monitor", "--port", port);
    const [, url = ""] = await monitor.waitForOutput(/monitor at (\S+); Ctrl-C stops it/);
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(await statusOf(`${url}/healthz`)).toBe(200);
    expect(await statusOf(`${url}/readyz`), "nobody works").toBe(503);
    for (const path of ["/", "/board"]) expect(await statusOf(`${url}${path}`)).toBe(200);
    expect(await statusOf(`${url}/board/api/queues/quarantine/pause`, { method: "PUT" })).toBe(200);
    monitor.signal("SIGTERM");
    expect(await monitor.ended).toMatchObject({ code: 0, signal: null, stdout: "" });
  });

  it("changes nothing with --read-only, and asks for the tokens of mounted secrets without showing them", async () => {
    await using session = await openCliSession({
      env: {
        MONITOR_PORT: String(await freePort()),
        MONITOR_TOKEN_FILE: "token",
        MONITOR_VIEWER_TOKEN_FILE: "viewer",
      },
    });
    await session.write("token", `${TOKEN}\n`);
    await session.write("viewer", `${VIEWER_TOKEN}\n`);
    await using monitor = session.start("monitor", "--read-only");
    const [, url = ""] = await monitor.waitForOutput(/monitor at (\S+);/);
    expect(await statusOf(`${url}/board`)).toBe(401);
    for (const token of [TOKEN, VIEWER_TOKEN]) {
      const headers = { authorization: `Bearer ${token}` };
      expect(await statusOf(`${url}/board/api/queues`, { headers })).toBe(200);
      expect(await statusOf(`${url}/board/api/queues/quarantine/pause`, { method: "PUT", headers })).toBe(403);
    }
    monitor.signal("SIGINT");
    const { code, stdout, stderr } = await monitor.ended;
    expect(code).toBe(0);
    for (const token of [TOKEN, VIEWER_TOKEN]) expect(`${stdout}${stderr}`).not.toContain(token);
  });

  it.each([
    ["--host 0.0.0.0", ["--host", "0.0.0.0"], {}],
    ["MONITOR_HOST=::", [], { MONITOR_HOST: "::" }],
  ])("refuses to start on %s without a token", async (_, args, env) => {
    await using session = await openCliSession({ env });
    const { code, stdout, stderr } = await session.run("monitor", ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/MONITOR_HOST: got (?:0\.0\.0\.0|::) without a token; expected .*MONITOR_TOKEN set as well/);
  });

  it("says which address is taken", async () => {
    await using first = await openMonitor({ namespace: testNamespace() });
    const { port } = new URL(first.url);
    await using session = await openCliSession();
    const { code, stderr } = await session.run("monitor", "--port", port);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `MONITOR_HOST and MONITOR_PORT: got 127.0.0.1:${port} (EADDRINUSE); expected an address of this machine that is free`,
    );
  });

  it.each(["0", "80.5"])("refuses port %s", async (port) => {
    await using session = await openCliSession();
    const option = await session.run("monitor", `--port=${port}`);
    expect(option.code).toBe(2);
    expect(option.stderr).toContain("Expected a port, 1–65535.");
    await using other = await openCliSession({ env: { MONITOR_PORT: port } });
    const variable = await other.run("monitor");
    expect(variable.code).toBe(2);
    expect(variable.stderr).toMatch(/MONITOR_PORT: got "?.*"?; expected an integer 1–65535/);
  });

  it("says that Redis is down, and hides the password", async () => {
    await using session = await openCliSession({ env: { REDIS_URL: "redis://:hunter2@127.0.0.1:1" } });
    const { code, stderr } = await session.run("monitor");
    expect(code).toBe(5);
    expect(stderr).toContain("Redis at redis://***@127.0.0.1:1 is not available: no connection. Start it");
    expect(stderr).not.toContain("hunter2");
  });
});

describe("puppet-engine start", () => {
  it("is a worker and the monitor in one process, with a Redis of its own, until SIGTERM", async () => {
    const env = { REDIS_URL: "", MONITOR_PORT: String(await freePort()), OPENAI_API_KEY: TEST_KEYS.openai };
    await using session = await openCliSession({ env, secrets: Object.values(TEST_KEYS) });
    await using program = session.start("start");
    const [, url = ""] = await program.waitForOutput(/monitor at (\S+)$/m);
    expect(program.stderr).toMatch(/worker \S+ is taking jobs \(namespace \S+, providers: fake, local, openai\)/);
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: true, problems: [], workers: 1 });

    const enqueued = await session.run("enqueue", "tweet", "--agent", "echo", "--topic", "fog", "--id", "a", "--wait");
    expect(enqueued).toMatchObject({ code: 0 });
    expect(enqueued.stdout.trim()).not.toBe("");
    const response = await fetch(`${url}/board/api/queues/fake~fake-1/j_a`);
    expect(await response.json()).toMatchObject({ job: { returnValue: { text: enqueued.stdout.trim() } } });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'puppet_attempts_total{provider="fake",model="fake-1",outcome="succeeded"} 1\n',
    );
    program.signal("SIGTERM");
    const { code, stderr } = await program.ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).not.toContain(TEST_KEYS.openai);

    const kept = await session.run("result", "a");
    expect(kept, "its Redis keeps what it was given").toMatchObject({ code: 0, stdout: enqueued.stdout });
  });

  it("does not start the worker when the monitor cannot start", async () => {
    await using taken = await openMonitor({ namespace: testNamespace() });
    await using session = await openCliSession({ env: { MONITOR_PORT: new URL(taken.url).port } });
    const { code, stderr } = await session.run("start", "--fake");
    expect(code).toBe(2);
    expect(stderr).toContain("(EADDRINUSE)");
    expect(stderr).not.toContain("is taking jobs");
  });
});

describe("puppet-engine demo --keep", () => {
  it("stays until SIGINT, at another port when the usual one is taken", { timeout: 90_000 }, async () => {
    await using taken = await openMonitor({ namespace: testNamespace() });
    const { port } = new URL(taken.url);
    await using session = await openCliSession({ env: { REDIS_URL: "", MONITOR_PORT: port } });
    await using demo = session.start("demo", "--keep");
    const [, url = ""] = await demo.waitForOutput(/The monitor stays at (\S+) until Ctrl-C/, 60_000);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(url).not.toBe(taken.url);
    expect(demo.stdout).toContain(`Monitor    ${url}\n`);
    expect(await statusOf(`${url}/board`)).toBe(200);
    const { queues } = (await (await fetch(`${url}/board/api/queues`)).json()) as {
      queues: { counts: Record<string, number> }[];
    };
    const completed = queues.reduce((sum, { counts }) => sum + (counts["completed"] ?? 0), 0);
    expect(completed).toBeGreaterThan(60);
    expect(demo.stdout).toContain("npm run demo -- --keep");
    demo.signal("SIGINT");
    expect((await demo.ended).code).toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
  });
});

const CHROMIUM = findChromium(process.env["PATH"] ?? "");
const SKIPPED = CHROMIUM === null ? " (skipped: no Chromium here; node scripts/install-chromium.mjs installs it)" : "";

describe.skipIf(CHROMIUM === null)(`Bull Board in Chromium${SKIPPED}`, { timeout: 60_000 }, () => {
  const LANE = "openai~gpt-6-luna";
  const LANE_PATH = `/board/queue/${encodeURIComponent(LANE)}`;
  const SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
  const REFUSED = recordedAnswer("openai/400-invalid-type.json");

  const open = async (url: string, token?: string): Promise<BrowserPage> =>
    await openBrowserPage({
      ...{ executablePath: CHROMIUM ?? "", url, viewport: { width: 1280, height: 800 } },
      ...(token !== undefined && { token }),
    });

  const actionsOf = ({ page }: BrowserPage) => page.locator("main").getByRole("listitem").getByRole("button");

  it("shows lanes, jobs and texts as text, without an error and without asking another origin", async () => {
    await using openai = await startRecordedServer(completionAnswer({ text: SCRIPT }));
    await using system = await startSystem({ openai });
    await system.startWorker();
    await system.run({ id: "a", kind: "tweet", agent: "nori", context: { topic: SCRIPT } });
    await system.queued(LANE, "a", "completed");
    await using monitor = await openMonitor({ namespace: system.namespace, token: TOKEN });
    await using browser = await open(`${monitor.url}/board`, TOKEN);
    const { page, faults } = browser;
    for (const lane of ["openai/gpt-6-luna", "openai/gpt-6-luna > grok/grok-4.3", "quarantine"])
      await page.locator("main").getByText(lane, { exact: true }).waitFor();
    await page.locator("main").getByText("openai/gpt-6-luna", { exact: true }).click();
    await page.waitForURL(`**${LANE_PATH}**`);
    await page.getByText("nori: tweet").click();
    await page.getByText(JSON.stringify(SCRIPT)).first().waitFor();
    await page.goto(`${monitor.url}${LANE_PATH}/j_a`);
    await page.getByText("returnValue").waitFor();
    await page.getByText(JSON.stringify(SCRIPT)).first().waitFor();
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(faults.filter((fault) => !fault.includes("401"))).toEqual([]);
  });

  it("offers no Retry while it is read-only; opened, its Retry runs the job again", async () => {
    await using openai = await startRecordedServer(REFUSED);
    await using system = await startSystem({ openai });
    await system.startWorker();
    expect(await system.run({ id: "a", kind: "tweet", agent: "nori" })).toMatchObject({ status: "failed" });
    await system.queued(LANE, "a", "failed");
    await using readOnly = await openMonitor({ namespace: system.namespace, readOnly: true });
    await using browser = await open(`${readOnly.url}${LANE_PATH}/j_a`);
    await browser.page.getByText("nori: tweet").waitFor();
    expect(await actionsOf(browser).count()).toBe(0);
    expect(browser.faults).toEqual([]);

    openai.answerWith(completionAnswer({ text: "Second time lucky." }));
    await using opened = await openMonitor(system);
    await using writable = await open(`${opened.url}${LANE_PATH}/j_a`);
    await writable.page.getByText("nori: tweet").waitFor();
    // Retry, duplicate, edit, remove; they are icons without a name.
    expect(await actionsOf(writable).count()).toBe(4);
    await actionsOf(writable).first().click();
    const dialog = writable.page.getByRole("alertdialog").or(writable.page.getByRole("dialog"));
    await dialog.getByText("retry", { exact: false }).first().waitFor();
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await writable.page.getByText('"Second time lucky."').waitFor();
    expect(await system.producer.result("a")).toMatchObject({ status: "succeeded", text: "Second time lucky." });
    expect(writable.faults).toEqual([]);
  });

  it("cannot be framed or written to by another site", async () => {
    await using system = await startSystem();
    await using monitor = await openMonitor(system);
    const add = `${monitor.url}/board/api/queues/${encodeURIComponent(LANE)}/add`;
    const html = `<iframe src="${monitor.url}/board"></iframe><form method="post" action="${add}"></form><p>evil</p>`;
    const headers = { "content-type": "text/html" };
    await using evil = await startRecordedServer({ response: { status: 200, headers, bodyText: html } });
    await using browser = await open(evil.baseUrl);
    const { page, faults } = browser;
    await expect.poll(() => faults.join("\n")).toMatch(/frame/i);
    const sent = page.waitForResponse(add);
    await page.evaluate("document.forms[0].submit()");
    expect((await sent).status()).toBe(403);
    expect(await system.lane(LANE).getJobCounts()).toMatchObject({ waiting: 0, prioritized: 0 });
  });
});

async function statusOf(url: string, options?: RequestInit): Promise<number> {
  const response = await fetch(url, { ...options, redirect: "manual" });
  await response.arrayBuffer();
  return response.status;
}
