import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";

const COLUMNS = ["requests", "failed", "tokens in", "tokens out", "total", "cost (USD)", "latency", "p50", "p95"];

it("no usage: says so, for how long back and in which namespace", async () => {
  await using cli = await openCliSession();
  const [table, json] = await Promise.all([cli.run("usage", "--days", "3"), cli.run("usage", "--json")]);
  expect(table).toMatchObject({ code: 0, stdout: `no usage in the last 3 days (namespace ${cli.namespace})\n` });
  expect(json).toMatchObject({ code: 0, stdout: "[]\n" });
});

it("a table and JSON by each dimension", async () => {
  await using cli = await openCliSession();
  for (const agent of ["echo", "ada"]) {
    await cli.run("enqueue", "tweet", "--agent", agent, "--topic", "tea", "--worker", "--fake");
  }
  const month = new Date().toISOString().slice(0, 7);
  const dimensions = {
    provider: ["fake"],
    model: ["fake/fake-1"],
    agent: ["ada", "echo"],
    kind: ["tweet"],
    day: [month],
  };
  await Promise.all(
    Object.entries(dimensions).map(async ([by, keys]) => {
      const [table, json] = await Promise.all([cli.run("usage", "--by", by), cli.run("usage", "--by", by, "--json")]);
      expect(table).toMatchObject({ code: 0, stderr: "" });
      for (const text of [by, ...keys, ...COLUMNS]) expect(table.stdout).toContain(text);
      const rows = JSON.parse(json.stdout) as { key: string; requests: number; totalTokens: number }[];
      expect(rows.map(({ key }) => key).sort()).toEqual(keys.map((key) => expect.stringContaining(key) as string));
      expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(2);
      for (const { totalTokens } of rows) expect(totalTokens).toBeGreaterThan(0);
    }),
  );
}, 60_000);

it("its help names all that it shows", async () => {
  await using cli = await openCliSession();
  expect((await cli.run("usage", "--help")).stdout).toContain("requests, tokens, cost, latency and feedback");
});
