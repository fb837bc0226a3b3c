import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { USAGE_DIMENSIONS } from "../../../src/storage/usage-report.ts";
import { completionAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { FAKE, openScheduleSystem } from "../schedules/schedule-system.ts";
import { openApi } from "./api-client.ts";
import { openMonitor } from "./open-monitor.ts";
import { MIA, NORI, openApiSystem, TWEET } from "./open-api.ts";

/** What a spreadsheet would take for a formula; ids of agents may begin so. */
const FORMULA = { ...NORI, id: "-2-1" };

interface Usage {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

function rowsOf(csv: string): readonly Readonly<Record<string, string>>[] {
  return parse(csv, { columns: true });
}

describe("usage", () => {
  it("is told as JSON and as a table, by every dimension", async () => {
    const usage = { prompt_tokens: 40, completion_tokens: 8, total_tokens: 48 };
    await using openai = await startRecordedServer(completionAnswer({ usage }));
    await using opened = await openApiSystem({ openai, agents: [MIA, FORMULA] });
    const { api, system } = opened;
    await system.startWorker();
    for (const agent of ["-2-1", "mia"])
      await api.expect(201, "POST /jobs?waitSeconds=60", { ...TWEET, agent, id: `of${agent}` });
    await api.expect(200, "PUT /jobs/of-2-1/feedback", { score: 0.75 });
    for (const by of USAGE_DIMENSIONS) {
      const { rows } = await api.expect<Usage>(200, `GET /usage?by=${by}&days=2`);
      const answer = await api.call(`GET /usage.csv?by=${by}&days=2`);
      expect(answer.headers).toMatchObject({
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="usage-by-${by}.csv"`,
        "x-content-type-options": "nosniff",
      });
      expect(answer.text.split("\r\n")[0]).toMatch(new RegExp(`^${by},requests,failures,input_tokens,.*,cost_usd,`));
      const table = rowsOf(answer.text);
      expect(table.map((row) => [row[by]?.replace(/^'/, ""), Number(row["requests"])])).toEqual(
        rows.map(({ key, requests }) => [key, requests]),
      );
    }
    const { rows } = await api.expect<Usage>(200, "GET /usage?by=agent");
    const paid = rows.find(({ key }) => key === "-2-1");
    expect(paid).toMatchObject({ requests: 1, inputTokens: 40, outputTokens: 8, feedback: { count: 1, mean: 0.75 } });
    const { text } = await api.call("GET /usage.csv?by=agent");
    const row = rowsOf(text).find(({ agent }) => agent === "'-2-1");
    expect(row).toMatchObject({
      input_tokens: "40",
      output_tokens: "8",
      feedback_count: "1",
      feedback_mean: "0.75",
      p50_ms: "",
    });
    expect(row?.["cost_usd"]).toMatch(/^0\.\d+$/);
    expect(Number(row?.["cost_usd"]) * 1e6).toBeCloseTo(Number(paid?.["costMicroUsd"]), 6);
  });

  it("says what it can be asked for", async () => {
    await using opened = await openApiSystem();
    const { api } = opened;
    expect(await api.expect(200, "GET /usage")).toEqual({ by: "provider", days: 30, rows: [] });
    for (const path of ["/usage", "/usage.csv"])
      expect(await api.expect(400, `GET ${path}?by=colour&days=401&from=2026`)).toMatchObject({
        problems: [
          { source: "query", path: "by", got: '"colour"', expected: `one of ${USAGE_DIMENSIONS.join(", ")}` },
          { path: "days", got: '"401"', expected: "days, an integer from 1 to 400" },
          { path: "from", got: "an unknown field" },
        ],
      });
    for (const days of ["0", "-1", "1e2", "0x10", "", "1.5"]) await api.expect(400, `GET /usage?days=${days}`);
  });
});

describe("health", () => {
  it("is what the command tells, and whether jobs can be worked off", async () => {
    await using openai = await startRecordedServer();
    await using opened = await openApiSystem({ openai });
    const { api, system } = opened;
    expect(await api.expect(200, "GET /health")).toMatchObject({
      ready: false,
      problems: [expect.stringContaining("no worker is running") as string],
      ...{ workers: 0, groups: [], pausedKeys: [], budgets: [], operatorPauses: [] },
    });
    await system.startWorker();
    await api.expect(201, "POST /jobs?waitSeconds=60", { ...TWEET, agent: "nori" });
    expect(await api.expect(200, "GET /health")).toMatchObject({
      workers: 1,
      groups: [
        { name: expect.stringMatching(/^openai\/gpt-6-luna#/) as string, state: "ok", calls: 1, successShare: 1 },
      ],
    });
  });
});

describe("schedules", () => {
  it("are listed, with their next posts", async () => {
    await using schedules = await openScheduleSystem(new Date().toISOString());
    const hourly = { ...FAKE, schedule: { cron: "0 * * * *", topics: ["fog", { topic: "rain", mood: "calm" }] } };
    const often = {
      ...FAKE,
      id: "orbit",
      behavior: { post_frequency: { min_hours_between_posts: 3, max_hours_between_posts: 6 } },
    };
    await schedules.schedules([hourly, often]).sync();
    await using monitor = await openMonitor({ namespace: schedules.namespace });
    const api = await openApi(monitor);
    const { schedules: listed } = await api.expect<{ schedules: { nextAt: number[] }[] }>(200, "GET /schedules?next=3");
    expect(listed).toMatchObject([
      { agentId: "ada", schedule: { timing: { type: "cron" } }, posts: 0, lastJobId: null },
      { agentId: "orbit", schedule: { timing: { type: "frequency" } } },
    ]);
    expect(listed.map(({ nextAt }) => nextAt.length)).toEqual([3, 3]);
    expect((listed[0]?.nextAt[1] ?? 0) - (listed[0]?.nextAt[0] ?? 0)).toBe(3600_000);
    expect(await api.expect(400, "GET /schedules?next=101")).toMatchObject({
      problems: [{ path: "next", expected: "posts, an integer from 1 to 100" }],
    });
  });
});
