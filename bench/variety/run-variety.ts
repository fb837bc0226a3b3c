import type { Redis } from "ioredis";
import type { Benchmark, OptionValues } from "../benchmark.ts";
import { median, spread } from "../statistics.ts";
import { renderTable } from "../table.ts";
import { withRedis } from "../with-redis.ts";
import { createVarietyGuard } from "../../src/variety/redis-variety-guard.ts";
import { normalise } from "../../src/variety/normalise.ts";
import { signatureOf } from "../../src/variety/signature.ts";

/** What it costs to compare a text with all others, beside a script that only writes one. */
export const variety: Benchmark = {
  summary: "what the duplicate guard costs in memory and time, beside a script that does one HSET",
  options: {
    texts: { describe: "texts that there are before", default: 1_000_000 },
    agents: { describe: "agents that wrote them", default: 10_000 },
    claims: { describe: "texts that are compared in each round", default: 5000 },
    rounds: { describe: "rounds, guard and floor taking turns", default: 5 },
  },
  async run(values) {
    await withRedis(async ({ connection }) => await measure(connection, values));
  },
};

const IN_FLIGHT = 200;
const FLOOR = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return 1";
const SETTINGS = { similarity: 0.7, agentTexts: 200, textsMs: 7 * 24 * 3600_000 };

async function measure(redis: Redis, values: OptionValues): Promise<void> {
  const [texts, agents] = [values.count("texts"), values.count("agents")];
  const guard = createVarietyGuard({ redis, namespace: "bench", clock: Date, settings: SETTINGS });
  const claim = async (index: number): Promise<void> => {
    await guard.claim({ jobId: `job-${index}`, agentId: `agent-${index % agents}`, text: textOf(index) }, false);
  };
  const before = await usedMemory(redis);
  const onProgress = (done: number): void => console.error(`${done} of ${texts} texts written`);
  await inParallel({ first: 0, count: texts, onProgress }, claim);
  const bytes = (await usedMemory(redis)) - before;
  const rounds: { guard: number; floor: number }[] = [];
  const claims = values.count("claims");
  for (let round = 0; round < values.count("rounds"); round++) {
    const first = texts + round * claims;
    const guarded = await scriptMicroseconds(redis, claims, () => inParallel({ first, count: claims }, claim));
    const floor = await scriptMicroseconds(redis, claims, () =>
      inParallel(
        { first, count: claims },
        async (index) => void (await redis.eval(FLOOR, 1, "bench:floor", index, "x".repeat(200))),
      ),
    );
    rounds.push({ guard: guarded, floor });
  }
  print(rounds, { texts, bytes, nodeMicroseconds: nodeMicroseconds(claims) });
}

interface Figures {
  readonly texts: number;
  readonly bytes: number;
  readonly nodeMicroseconds: number;
}

function print(
  rounds: readonly { guard: number; floor: number }[],
  { texts, bytes, nodeMicroseconds: node }: Figures,
): void {
  const column = (name: "guard" | "floor"): [string, string] => {
    const all = rounds.map((round) => round[name]);
    return [median(all).toFixed(1), spread(all, 1)];
  };
  console.log(
    renderTable(
      ["Redis time per text (µs)", "median", "spread"],
      [
        ["guard", ...column("guard")],
        ["script with one HSET", ...column("floor")],
      ],
    ),
  );
  console.log(`${texts} texts: ${Math.round(bytes / texts)} bytes each in Redis, ${Math.round(bytes / 2 ** 20)} MiB`);
  console.log(`in the worker: ${node.toFixed(1)} µs a text`);
}

interface Work {
  readonly first: number;
  readonly count: number;
  readonly onProgress?: (done: number) => void;
}

async function inParallel({ first, count, onProgress }: Work, run: (index: number) => Promise<void>): Promise<void> {
  let next = first;
  const end = first + count;
  const worker = async (): Promise<void> => {
    while (next < end) {
      const index = next++;
      await run(index);
      if ((index - first + 1) % 100_000 === 0) onProgress?.(index - first + 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** As Redis counts it: the time of scripts, without reading and writing. */
async function scriptMicroseconds(redis: Redis, count: number, run: () => Promise<void>): Promise<number> {
  await redis.config("RESETSTAT");
  await run();
  const stats = await redis.info("commandstats");
  const microseconds = [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=\d+,usec=(\d+)/gm)];
  return microseconds.reduce((sum, [, usec]) => sum + Number(usec), 0) / count;
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]);
}

function nodeMicroseconds(count: number): number {
  const startedMs = performance.now();
  for (let index = 0; index < count; index++) signatureOf(normalise(textOf(index)));
  const withTextMs = performance.now() - startedMs;
  const againMs = performance.now();
  for (let index = 0; index < count; index++) textOf(index);
  return ((withTextMs - (performance.now() - againMs)) * 1000) / count;
}

const SYLLABLES = Array.from("bcdfghjklmnprstvwxyz").flatMap((first) =>
  Array.from("aeiou").map((second) => first + second),
);

/** Some 200 characters of words from a vocabulary of thousands, always the same for a number. */
function textOf(index: number): string {
  let state = Math.imul(index + 1, 0x9e3779b1) >>> 0;
  const next = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5) >>> 0;
    return (state >>> 8) % below;
  };
  const word = (): string => Array.from({ length: 2 + next(2) }, () => SYLLABLES[next(SYLLABLES.length)]).join("");
  return Array.from({ length: 34 }, word).join(" ");
}
