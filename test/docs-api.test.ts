import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openMonitor } from "./integration/monitor/open-monitor.ts";
import { openApi } from "./integration/monitor/api-client.ts";
import { openApiSystem } from "./integration/monitor/open-api.ts";
import { DEFAULT_CONFIG } from "../src/config/config-file.ts";
import { documentAt, DOCUMENTS, tableOf } from "./support/documents.ts";
import { codeWords } from "./support/markdown.ts";
import { runProgram } from "./support/run-program.ts";

/** What docs/api.md says is what the API does. */

const ROOT = join(import.meta.dirname, "..");
const DOCUMENT = documentAt("docs/api.md");

describe("docs/api.md", () => {
  it("has every route of the OpenAPI document, and for whom it is", async () => {
    await using monitor = await openMonitor({ namespace: "docs-api" });
    const { document } = await openApi(monitor);
    const actual = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => {
        const isForViewers = security.some(({ token }) => token.includes("viewer"));
        return [`${method.toUpperCase()} ${path}`, isForViewers ? "viewers" : "operators"];
      }),
    );
    const documented = tableOf(DOCUMENT, "Routes").map(([route = "", who = ""]) => [codeWords(route)[0], who]);
    expect(documented.toSorted(byRoute)).toEqual(actual.toSorted(byRoute));
    const statuses = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).flatMap(({ responses }) => Object.keys(responses).filter((status) => status >= "400")),
    );
    expect(tableOf(DOCUMENT, "Errors").map(([status]) => status)).toEqual(
      // 405 is of no route, but of what is asked in another way.
      [...new Set([...statuses, "405"])].sort(),
    );
  });

  it("has the limits that hold by default", () => {
    const limits = tableOf(DOCUMENT, "Limits").map(([, limit = ""]) => limit);
    const { requestsPerMinute, waitingRequests } = DEFAULT_CONFIG.monitor;
    expect(limits[0]).toContain(`${requestsPerMinute.toLocaleString("en-US")} a minute`);
    expect(limits[1]).toContain(`${waitingRequests.toLocaleString("en-US")} (`);
  });
});

function byRoute([a = ""]: readonly (string | undefined)[], [b = ""]: readonly (string | undefined)[]): number {
  return a < b ? -1 : 1;
}

const snippets = DOCUMENTS.flatMap(({ path, blocks }) =>
  blocks.filter(({ language }) => language === "python").map(({ text, line }) => ({ where: `${path}:${line}`, text })),
);
const hasPython = spawnSync("python3", ["--version"]).status === 0;

describe.skipIf(!hasPython)(`Python snippets${hasPython ? "" : " (python3 is not on this machine)"}`, () => {
  it("run, and find their jobs done", async () => {
    expect(snippets.length).toBeGreaterThan(1);
    await using opened = await openApiSystem({ agents: [{ id: "echo", name: "Echo", llm_provider: "fake" }] });
    await opened.system.startWorker();
    for (const { where, text } of snippets) {
      const program = text.replaceAll("http://localhost:3700", opened.monitor.url);
      const ended = await runProgram("python3", ["-c", program], {
        env: { PYTHONPATH: join(ROOT, "examples/api"), PYTHONDONTWRITEBYTECODE: "1" },
      });
      expect({ where, code: ended.code, stderr: ended.stderr }).toEqual({ where, code: 0, stderr: "" });
      expect(ended.stdout, where).not.toBe("");
    }
    expect(await opened.api.expect(200, "GET /runs/evening")).toMatchObject({ state: "done", done: { succeeded: 4 } });
    await opened.system.expectAccounted();
  });
});
