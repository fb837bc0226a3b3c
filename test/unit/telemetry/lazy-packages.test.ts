import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

/** Loads what is traced, and opens traces, in a process of its own. @returns the packages of OpenTelemetry that it loads */
async function loadedWith(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const watch = `
    import { registerHooks } from "node:module";
    const seen = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        if (/^@opentelemetry|^bullmq-otel/.test(specifier)) seen.add(specifier);
        return next(specifier, context);
      },
    });
    process.on("exit", () => console.log(JSON.stringify([...seen].sort())));
  `;
  const code = `
    import "./src/index.ts";
    import "./src/compose-worker.ts";
    import { loadConfig } from "./src/config/load-config.ts";
    import { openTracing } from "./src/telemetry/open-tracing.ts";
    const source = { environment: ${JSON.stringify(environment)}, directory: "/", isTerminal: false };
    await using tracing = await openTracing({ config: loadConfig(source).tracing, warn: console.error });
  `;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(watch)}`, "--input-type=module", "-e", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as string[];
}

it("nothing of OpenTelemetry is loaded when nobody wants traces", async () => {
  expect(await loadedWith({})).toEqual([]);
});

it("only the exporter that is wanted is loaded", async () => {
  const loaded = await loadedWith({ OTEL_TRACES_EXPORTER: "otlp" });
  expect(loaded).toEqual(expect.arrayContaining(["@opentelemetry/sdk-trace", "bullmq-otel"]));
  expect(loaded.filter((name) => name.includes("exporter-trace"))).toEqual([
    "@opentelemetry/exporter-trace-otlp-proto",
  ]);
});
