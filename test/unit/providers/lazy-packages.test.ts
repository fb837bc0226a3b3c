import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

/** Runs a module in a process of its own. @returns the vendors' packages that it has loaded */
async function loadedBy(code: string): Promise<string[]> {
  const watch = `
    import { registerHooks } from "node:module";
    const seen = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        if (/^(openai|@anthropic-ai\\/sdk|@google\\/genai\\/web)$/.test(specifier)) seen.add(specifier);
        return next(specifier, context);
      },
    });
    process.on("exit", () => console.log(JSON.stringify([...seen])));
  `;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(watch)}`, "--input-type=module", "-e", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as string[];
}

const CREATE = `
  import { PROVIDERS, createProviders } from "./src/providers/registry.ts";
  const settings = PROVIDERS.map(({ id }) => [id, { apiKeys: ["key"], baseUrl: "http://127.0.0.1:1" }]);
  const providers = createProviders(Object.fromEntries(settings), { transport: { connectTimeoutMs: 100 } });
`;

it("no vendor's package is loaded for the library, nor for providers that nobody calls", async () => {
  expect(await loadedBy(`import "./src/index.ts"; ${CREATE}`)).toEqual([]);
});

it.each([
  ["anthropic", "@anthropic-ai/sdk"],
  ["openai", "openai"],
  ["grok", "openai"],
  ["local", "openai"],
  ["gemini", "@google/genai/web"],
  ["fake", null],
])("%s loads no other package than its own, %s, when it is wanted", async (id, name) => {
  const loaded = await loadedBy(`${CREATE} providers.get("${id}").targets("m"); await providers.close();`);
  expect(loaded).toEqual(name === null ? [] : [name]);
});
