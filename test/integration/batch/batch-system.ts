import { BatchStore } from "../../../src/batch/batch-store.ts";
import type { BatchRecord } from "../../../src/job/batch-record.ts";
import type { GenerationResult } from "../../../src/job/generation-result.ts";
import type { UsageRecord } from "../../../src/job/usage-record.ts";
import type { BatchServer } from "../../support/batch-server/batch-server.ts";
import type { BatchServerOptions } from "../../support/batch-server/made-batches.ts";
import { ADA, expectNoOpenIntent, startSystem, type GenerationSystem } from "../../support/generation-system.ts";
import { expectBalancedBooks } from "../../support/usage-books.ts";
import { waitFor } from "../../support/wait-for.ts";

const QUICK = { collectSeconds: 0.05, pollSeconds: 0.05 };
export const KEYS = { openai: "sk-test-0123456789abcdef", anthropic: "sk-ant-0123456789abcdef" } as const;
const CLAUDE = {
  ...{ id: "claude", name: "Claude", llm_provider: "anthropic", custom_system_prompt: "You are short." },
  llm_config: { model: "claude-haiku-5-5" },
};
const NORI = { ...ADA, id: "nori", name: "Nori", llm_config: { model: "gpt-6-luna" } };
/** Micro-USD of a live call with 40 input and 8 output tokens. */
export const LIVE_COST = { openai: 8, anthropic: 8 } as const;

/** The call that makes a batch. */
export const MAKING = /^POST .*\/batches$/;

export type Vendor = BatchServerOptions["vendor"];
export const AGENT: Readonly<Record<Vendor, string>> = { openai: "nori", anthropic: "claude" };

interface BatchSystemOptions {
  /** The configuration file. Default: batches are sent and asked about at once. */
  readonly settings?: object;
  readonly key?: string;
  /** Shared with another system. */
  readonly namespace?: string;
}

/** A system with one provider, which has batches. */
export async function systemOn(
  server: BatchServer,
  vendor: Vendor,
  { settings, key = KEYS[vendor], ...shared }: BatchSystemOptions = {},
): Promise<GenerationSystem> {
  const name = vendor === "openai" ? "OPENAI" : "ANTHROPIC";
  return await startSystem({
    agents: [NORI, CLAUDE],
    settings: { batch: QUICK, ...settings },
    environment: { [`${name}_API_KEY`]: key, [`${name}_BASE_URL`]: server.baseUrl },
    ...shared,
  });
}

export async function enqueue({ producer }: GenerationSystem, vendor: Vendor, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `row-${index}`);
  for (const [index, id] of ids.entries()) {
    const context = { topic: `topic ${index}` };
    await producer.enqueue({ kind: "tweet", agent: AGENT[vendor], id, delivery: "batch", context });
  }
  return ids;
}

export async function resultsOf(system: GenerationSystem, ids: readonly string[]): Promise<GenerationResult[]> {
  return await Promise.all(ids.map((id) => system.resultOf(id)));
}

export async function ended({ redis, namespace }: GenerationSystem): Promise<BatchRecord> {
  const store = new BatchStore(redis, namespace);
  return await waitFor(async () => (await store.ended())[0], { describe: () => "a batch has ended" });
}

/** The books are balanced, and no intent is open. */
export async function accounted({ redis, namespace }: GenerationSystem): Promise<readonly UsageRecord[]> {
  const { rows } = await expectBalancedBooks(redis, namespace);
  await expectNoOpenIntent(redis, namespace);
  return rows;
}

export function attemptsOf({ attempts }: GenerationResult): string[] {
  return attempts.map(({ outcome, costMicroUsd }) => `${outcome} ${costMicroUsd}`);
}
