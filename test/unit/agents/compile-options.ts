import { createCatalogue } from "../../../src/models/model-catalogue.ts";
import { PROVIDERS } from "../../../src/providers/registry.ts";
import type { Agent } from "../../../src/agents/agent.ts";
import type { CompileOptions } from "../../../src/agents/compile-agent.ts";
import { parseAgent, parseAgentObject } from "../../../src/agents/parse-agent.ts";

const DEFAULT_MODELS: Readonly<Record<string, string>> = {
  openai: "gpt-6-luna",
  grok: "grok-4.7",
  fake: "fake-1",
};

export const OPTIONS: CompileOptions = {
  defaultModel: (provider) => DEFAULT_MODELS[provider] ?? `no default for ${provider}`,
  knownProviders: ["openai", "grok", "fake"],
  catalogue: createCatalogue(PROVIDERS),
  retiredModels: "warn",
  now: Date.UTC(2026, 10, 26),
};

/** The message of what `read` throws. */
export function messageOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "nothing was thrown";
}

/** Compiles an agent file that only says `fields`. */
export function compile(fields: object): Agent {
  return parseAgentObject("agent", { id: "ada", name: "Ada", ...fields }, OPTIONS).agent;
}

/** What is wrong with `ada.json`; `fields` is JSON text that starts in line 2. */
export function faultsOf(fields: string): string {
  return messageOf(() => parseAgent("ada.json", `{ "id": "ada", "name": "Ada",\n${fields}\n}`, OPTIONS));
}
