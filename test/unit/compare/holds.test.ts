import { describe, expect, it } from "vitest";
import { holdText } from "../../../src/cli/hold-text.ts";
import { holdOf, type Hold } from "../../../src/compare/holds.ts";
import type { GroupHealth, PausedKey } from "../../../src/storage/health-report.ts";

const NOW = Date.UTC(2026, 10, 26, 14);
const LUNA = { provider: "openai", model: "gpt-6-luna" };
const A = "0000000a";
const B = "0000000b";

function group(name: string, parts: Partial<GroupHealth> = {}): GroupHealth {
  const limits = { requestsPerMinute: null, isObserved: false, tokensPerMinute: null, inputTokensPerMinute: null };
  return {
    ...{ name, provider: "openai", state: "ok", why: null, untilAt: null, lastError: null, callsGranted: 1 },
    ...{ calls: 1, successShare: 1, p50Ms: 1, p95Ms: 1, lastSucceededAt: 1 },
    ...{ callsPerMinute: 1, requestsPerMinute: null },
    limits: { ...limits, outputTokensPerMinute: null, requestsPerDay: null },
    ...parts,
  };
}

function paused(name: string, why: string, forMs = 60_000): GroupHealth {
  return group(name, { state: "paused", why, untilAt: NOW + forMs });
}

function key(name: string, why = "authentication"): PausedKey {
  return { name, provider: "openai", why, untilAt: NOW + 300_000 };
}

function hold(groups: GroupHealth[], pausedKeys: PausedKey[] = [], ...keyIds: string[]): Hold | null {
  const known = new Map(keyIds.length === 0 ? [] : [["openai", keyIds]]);
  return holdOf(LUNA, { health: { groups, pausedKeys }, keyIds: known, now: NOW });
}

describe("what holds a model up", () => {
  it("is nothing while nothing is known, all is well, or another model is paused", () => {
    expect(hold([])).toBe(null);
    expect(hold([group(`openai/gpt-6-luna#${A}`)], [], A)).toBe(null);
    expect(hold([paused(`openai/gpt-6-lune#${A}`, "model-not-found")], [], A)).toBe(null);
    expect(hold([paused(`openai/gpt-6-luna#${A}`, "authentication")], [], B), "the key of somebody else").toBe(null);
  });

  it.each([`openai/gpt-6-luna#${A}`, "openai/gpt-6-luna", "openai", `openai#${A}`])(
    "is a limit group, whatever it is made of: %s",
    (name) => {
      expect(hold([paused(name, "model-not-found")], [], A)).toMatchObject({ what: name, needsPerson: true });
      expect(hold([paused(name, "overloaded")], [], A)).toMatchObject({ what: name, needsPerson: false });
    },
  );

  it("is a key, for every model of it, also where this process has none", () => {
    const pausedKey = { what: `key openai#${A}`, state: "paused", why: "authentication", needsPerson: true };
    expect(hold([], [key(`openai#${A}`)], A)).toMatchObject(pausedKey);
    expect(hold([], [key(`openai#${A}`)])).toMatchObject(pausedKey);
  });

  it("is nothing while another key may do, and needs a person only where all keys do", () => {
    const pausedKeys = [key(`openai#${A}`)];
    expect(hold([], pausedKeys, A, B)).toBe(null);
    expect(hold([group(`openai/gpt-6-luna#${B}`)], pausedKeys)).toBe(null);
    const open = group(`openai/gpt-6-luna#${B}`, { state: "circuit-open", untilAt: NOW + 30_000 });
    expect(hold([open], pausedKeys, A, B)).toMatchObject({ what: open.name, needsPerson: false });
    expect(hold([], [...pausedKeys, key(`openai#${B}`)], A, B)).toMatchObject({ needsPerson: true });
  });

  it.each(["authentication", "quota-exhausted", "model-not-found", "certificate"])("needs a person: %s", (why) => {
    expect(hold([paused("openai/gpt-6-luna", why)])?.needsPerson).toBe(true);
  });

  it("is the vendor's word when it takes long alone", () => {
    const limited = (forMs: number) =>
      hold([group("openai/gpt-6-luna", { state: "rate-limited", why: "rate-limited", untilAt: NOW + forMs })]);
    expect(limited(5000)).toBe(null);
    expect(limited(3600_000)).toMatchObject({ state: "rate-limited", needsPerson: false });
  });
});

describe("what is said of it", () => {
  it.each([
    [
      hold([], [key(`openai#${A}`)]),
      "key openai#0000000a is paused: authentication; replace the key and restart the workers; workers look again in 5 min; its other texts are cancelled",
    ],
    [
      hold([group("openai", { state: "circuit-open", untilAt: NOW + 30_000 })]),
      "openai is left alone after many failures; workers look again in 30 s",
    ],
    [
      hold([group("openai", { state: "rate-limited", untilAt: NOW + 3600_000 })]),
      "openai is rate-limited by the vendor for 60 min",
    ],
  ])("is what, why, and until when: %#", (found, text) => {
    expect(found === null ? "" : holdText(LUNA, found, NOW)).toBe(`openai/gpt-6-luna has to wait: ${text}`);
  });
});
