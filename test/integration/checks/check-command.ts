import { expect } from "vitest";
import type { Finding } from "../../../src/checks/finding.ts";
import { openCliSession, type CliSession } from "../../support/cli-session.ts";
import { TEST_KEYS } from "../../support/generation-system.ts";

/** An environment in which nothing is wrong. */
export const HEALTHY = { OPENAI_API_KEY: TEST_KEYS.openai, GROK_API_KEY: TEST_KEYS.grok };

export const GOOD_AGENT = { id: "ada", name: "Ada", llm_provider: "openai", llm_config: { model: "gpt-6-luna" } };

export interface CheckReport {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  of(level: Finding["level"]): readonly Finding[];
}

/** A folder with one good agent. No output may hold a key. */
export async function openCheckSession(env: Readonly<Record<string, string>> = {}): Promise<CliSession> {
  const session = await openCliSession({ env: { ...HEALTHY, ...env }, secrets: Object.values(TEST_KEYS) });
  await session.write("agents/ada.json", GOOD_AGENT);
  return session;
}

/** `check --json` as a program would read it. */
export async function check(session: CliSession, ...args: string[]): Promise<CheckReport> {
  const { code, stdout, stderr } = await session.run("check", "--json", ...args);
  expect(stderr).toBe("");
  const findings = JSON.parse(stdout) as Finding[];
  return { code, findings, of: (level) => findings.filter((finding) => finding.level === level) };
}
