import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { VarietyGuard } from "../../../src/generation/variety-guard.ts";
import { createVarietyGuard, type VarietySettings } from "../../../src/variety/redis-variety-guard.ts";
import { openNamespace, type TestNamespace } from "../../support/attempts.ts";
import { connectTestRedis } from "../../support/redis.ts";

const DAY_MS = 24 * 3600_000;
const START = Date.UTC(2026, 10, 23, 12);
const SETTINGS: VarietySettings = { similarity: 0.7, agentTexts: 200, textsMs: 7 * DAY_MS };

const LOOMS = "Looms were the first machines that read, and nobody asked them what they thought of the cards.";
const NEAR = "Looms were the first machines that read, and nobody asked them what they made of the cards.";
const OTHER = "The sea keeps its own calendar, and it has no Mondays in it whatsoever.";

interface Guarded extends TestNamespace {
  readonly guard: VarietyGuard;
  at: number;
}

async function openGuard(settings: Partial<VarietySettings> = {}): Promise<Guarded> {
  const at = await openNamespace();
  const opened = { ...at, at: START } as { -readonly [Name in keyof Guarded]: Guarded[Name] };
  opened.guard = createVarietyGuard({
    ...{ redis: at.redis, namespace: at.namespace, settings: { ...SETTINGS, ...settings } },
    clock: { now: () => opened.at },
  });
  return opened;
}

async function write({ guard }: Guarded, jobId: string, text: string, agentId = "ada"): Promise<unknown> {
  return await guard.claim({ jobId, agentId, text }, false);
}

describe("a text is told", () => {
  it.each([
    ["that is the same", LOOMS, 1],
    ["that differs in case, punctuation and emoji", `${LOOMS.toUpperCase()} 🎉 https://a.co/x`, 1],
    ["that has a word changed", NEAR, expect.closeTo(0.83, 1)],
  ])("%s", async (_, text, similarity) => {
    await using at = await openGuard();
    expect(await write(at, "a", LOOMS)).toBeNull();
    expect(await write(at, "b", text, "orbit")).toEqual({ jobId: "a", similarity });
  });

  it("only when it is much alike", async () => {
    await using at = await openGuard();
    await write(at, "a", LOOMS);
    expect(await write(at, "b", OTHER)).toBeNull();
    expect(await write(at, "c", `${LOOMS.slice(0, 40)} ${OTHER}`)).toBeNull();
  });

  it("in scripts without spaces as well", async () => {
    await using at = await openGuard();
    await write(at, "a", "雨の夜だけ開く屋台で、今夜は大根がよく煮えています。");
    expect(await write(at, "b", "雨の夜だけ開く屋台で、今夜は大根がよく煮えていますね。")).toMatchObject({
      jobId: "a",
    });
  });

  it("with the one that it is most like", async () => {
    await using at = await openGuard();
    await write(at, "a", NEAR);
    await at.guard.claim({ jobId: "b", agentId: "ada", text: LOOMS }, true);
    expect(await write(at, "c", LOOMS)).toEqual({ jobId: "b", similarity: 1 });
  });

  it("short ones only when they are the same", async () => {
    await using at = await openGuard();
    await write(at, "a", "Good night!");
    expect(await write(at, "b", "Good nights")).toBeNull();
    expect(await write(at, "c", "good night")).toEqual({ jobId: "a", similarity: 1 });
  });
});

it("texts of nothing but emoji are never alike", async () => {
  await using at = await openGuard();
  expect(await write(at, "a", "🎉🎉🎉")).toBeNull();
  expect(await write(at, "b", "🎉🎉🎉")).toBeNull();
  expect(await at.redis.exists(at.keys.textCount)).toBe(0);
});

it("a job's own text is no match for it, and is noted once", async () => {
  await using at = await openGuard();
  expect(await write(at, "a", LOOMS)).toBeNull();
  expect(await write(at, "a", LOOMS)).toBeNull();
  expect(await at.redis.get(at.keys.textCount)).toBe("1");
});

it("a text that was told is not noted, unless it is wanted all the same", async () => {
  await using at = await openGuard();
  await write(at, "a", LOOMS);
  await write(at, "b", NEAR);
  expect(await at.redis.get(at.keys.textCount)).toBe("1");
  expect(await at.guard.claim({ jobId: "b", agentId: "ada", text: NEAR }, true)).toMatchObject({ jobId: "a" });
  expect(await at.redis.get(at.keys.textCount)).toBe("2");
});

it("of two jobs with the same text at once exactly one is told", async () => {
  await using at = await openGuard();
  await using second = await connectTestRedis();
  const { namespace, guard } = at;
  const other = createVarietyGuard({ redis: second, namespace, settings: SETTINGS, clock: { now: () => START } });
  for (let round = 0; round < 20; round++) {
    const text = createHash("sha512").update(`${round}`).digest("hex");
    const told = await Promise.all([
      guard.claim({ jobId: `a${round}`, agentId: `x${round}`, text }, false),
      other.claim({ jobId: `b${round}`, agentId: `y${round}`, text }, false),
    ]);
    expect(told.filter((match) => match?.similarity === 1)).toHaveLength(1);
  }
});

describe("others' texts are compared for seven days,", () => {
  it("and no longer", async () => {
    await using at = await openGuard();
    await write(at, "a", LOOMS);
    at.at = START + 7 * DAY_MS - 1000;
    expect(await write(at, "b", LOOMS, "orbit")).toMatchObject({ jobId: "a" });
    at.at = START + 7 * DAY_MS;
    expect(await write(at, "c", LOOMS, "orbit")).toBeNull();
  });

  it("the agent's own for longer", async () => {
    await using at = await openGuard();
    await write(at, "a", LOOMS);
    at.at = START + 60 * DAY_MS;
    expect(await write(at, "b", LOOMS)).toMatchObject({ jobId: "a" });
  });

  it("but not when it has written so many since", async () => {
    await using at = await openGuard({ agentTexts: 3 });
    await write(at, "a", LOOMS);
    for (const [index, text] of ["alpha beta gamma", "delta epsilon zeta", "eta theta iota kappa"].entries()) {
      at.at += DAY_MS;
      expect(await write(at, `other-${index}`, text)).toBeNull();
    }
    expect(await write(at, "b", LOOMS), "it is younger than seven days").toMatchObject({ jobId: "a" });
    at.at = START + 7 * DAY_MS;
    expect(await write(at, "c", LOOMS)).toBeNull();
  });
});

it("everything is kept under the namespace's tag and has an end, but for a counter", async () => {
  await using at = await openGuard({ agentTexts: 2 });
  for (let index = 0; index < 5; index++)
    await write(at, `job-${index}`, `${index} ${OTHER.slice(index * 7)} ${index ** 9}`);
  const keys = await at.redis.keys(`\\{${at.namespace}\\}:text*`);
  expect(keys.length).toBeGreaterThan(10);
  const endless = [];
  for (const key of keys) if ((await at.redis.ttl(key)) < 0) endless.push(key);
  expect(endless).toEqual([at.keys.textCount]);
  expect(await at.redis.llen(at.keys.agentTexts("ada"))).toBe(2);
});

describe("a part of the index", () => {
  /** The same text once more, noted whatever it is like. */
  async function repeat({ guard }: Guarded, jobId: string, agentId = "ada"): Promise<void> {
    await guard.claim({ jobId, agentId, text: "Good night" }, true);
  }

  async function shardsOf({ redis, namespace }: Guarded): Promise<string[]> {
    return await redis.keys(`\\{${namespace}\\}:text-shard:*`);
  }

  async function entriesOf(at: Guarded): Promise<number> {
    const [shard = ""] = await shardsOf(at);
    return (await at.redis.strlen(shard)) / 8;
  }

  it("is cleaned of texts that are gone", async () => {
    await using at = await openGuard({ textsMs: 60_000, agentTexts: 1 });
    const sizes: number[] = [];
    for (let index = 0; index < 130; index++) {
      at.at += 60_000;
      await repeat(at, `job-${index}`);
      sizes.push(await entriesOf(at));
    }
    expect(Math.max(...sizes)).toBeGreaterThan(20);
    expect(Math.max(...sizes)).toBeLessThan(40);
  });

  it("keeps the newest, and what is compared longer than its neighbours", async () => {
    await using at = await openGuard({ textsMs: 60_000, agentTexts: 1 });
    await repeat(at, "own", "bob");
    for (let index = 0; index < 100; index++) {
      at.at += 60_000;
      await repeat(at, `job-${index}`);
      expect(await write(at, "look", "Good night", "carol")).toEqual({ jobId: `job-${index}`, similarity: 1 });
    }
    expect(await entriesOf(at), "it was cleaned").toBeLessThan(40);
    at.at += 60_000;
    expect(await write(at, "again", "Good night", "bob")).toEqual({ jobId: "own", similarity: 1 });
  });

  it("holds a text that comes again and again a few times only, and still tells it", async () => {
    await using at = await openGuard();
    for (let index = 0; index < 300; index++) {
      const told = await at.guard.claim({ jobId: `j${index}`, agentId: "ada", text: LOOMS }, true);
      expect(told).toEqual(index === 0 ? null : { jobId: expect.any(String) as string, similarity: 1 });
    }
    const sizes = await Promise.all((await shardsOf(at)).map((key) => at.redis.strlen(key)));
    expect(sizes.length).toBeGreaterThan(8);
    // 8 bytes an entry.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(65 * 8);
    for (const key of await shardsOf(at)) expect(await at.redis.pttl(key)).toBeGreaterThan(0);
  });

  it("grows as long as nothing is gone", async () => {
    await using at = await openGuard({ agentTexts: 1 });
    for (let index = 0; index < 60; index++) await repeat(at, `job-${index}`);
    expect(await entriesOf(at)).toBe(60);
  });
});
