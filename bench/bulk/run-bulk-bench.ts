import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import type { Benchmark, OptionValues } from "../benchmark.ts";
import { startProgram, type Program } from "../programs.ts";
import { median, spread } from "../statistics.ts";
import { renderTable } from "../table.ts";
import { withRedis, type BenchRedis } from "../with-redis.ts";
import type { BulkProgram } from "./bulk-program.ts";

/** How fast a file of rows is claimed and added, and what a whole run takes of memory. */
export const bulk: Benchmark = {
  summary:
    "a file of rows: claim + add alone beside BullMQ's bare addBulk; then a whole run with the fake provider, memory over time",
  options: {
    rows: { describe: "rows of claim + add, without workers", default: 200_000 },
    rounds: { describe: "rounds of it, ours and the floor taking turns", default: 3 },
    run: { describe: "rows of the whole run; 1: none", default: 1_000_000 },
    samples: { describe: "seconds between two looks at memory", default: 20 },
  },
  async run(values) {
    const folder = await mkdtemp(join(tmpdir(), "puppet-engine-bench-rows-"));
    try {
      await claimAndAdd(folder, values);
      if (values.count("run") > 1) await wholeRun(folder, values);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function claimAndAdd(folder: string, values: OptionValues): Promise<void> {
  const rows = values.count("rows");
  const input = await writeRows(folder, rows);
  const rounds: { checked: number; ours: number; floor: number; mebibytes: number }[] = [];
  for (let round = 0; round < values.count("rounds"); round++) {
    const ours = await inNewRedis(async (program) => await program.ask("add", { input }));
    const floor = await inNewRedis(async (program) => await program.ask("addBare", { rows }));
    rounds.push({
      checked: ours.checkedPerSecond,
      ours: ours.perSecond,
      floor: floor.perSecond,
      mebibytes: ours.mebibytes,
    });
  }
  const column = (name: "checked" | "ours" | "floor" | "mebibytes"): [string, string] => {
    const all = rounds.map((round) => round[name]);
    return [Math.round(median(all)).toLocaleString("en-US"), spread(all, 0)];
  };
  console.log(
    renderTable(
      [`${rows} rows, no workers`, "median", "spread"],
      [
        ["file → check, rows/s", ...column("checked")],
        ["file → claim + add, rows/s", ...column("ours")],
        ["bare addBulk, jobs/s", ...column("floor")],
        ["producer's RSS, MiB", ...column("mebibytes")],
      ],
    ),
  );
}

async function inNewRedis<T>(run: (program: Program<BulkProgram>) => Promise<T>): Promise<T> {
  let result: T | undefined;
  await withRedis(async ({ path }) => {
    using program = startProgram<BulkProgram>(new URL("./bulk-program.ts", import.meta.url));
    await program.ask("start", { redisPath: path });
    result = await run(program);
    await program.ask("stop");
  });
  return result as T;
}

async function wholeRun(folder: string, values: OptionValues): Promise<void> {
  const rows = values.count("run");
  const input = await writeRows(folder, rows);
  await withRedis(async (redis) => {
    using worker = startProgram<BulkProgram>(new URL("./bulk-program.ts", import.meta.url));
    using feeder = startProgram<BulkProgram>(new URL("./bulk-program.ts", import.meta.url));
    await worker.ask("start", { redisPath: redis.path });
    await worker.ask("work");
    await feeder.ask("start", { redisPath: redis.path });
    const out = join(folder, "out.jsonl");
    const startedMs = performance.now();
    await feeder.ask("run", { input, out, rows });
    const { samples, succeeded } = await watch({ feeder, redis, out, everyMs: values.count("samples") * 1000 });
    const seconds = (performance.now() - startedMs) / 1000;
    console.log(renderTable(["after", "rows", "feeder's RSS (MiB)", "Redis (MiB)", "output (MiB)"], samples));
    console.log(`${succeeded} of ${rows} rows have a text, ${Math.round(rows / seconds)} rows/s`);
    await feeder.ask("stop");
    await worker.ask("stop");
  });
}

interface Watched {
  readonly feeder: Program<BulkProgram>;
  readonly redis: BenchRedis;
  readonly out: string;
  readonly everyMs: number;
}

async function watch({ feeder, redis, out, everyMs }: Watched): Promise<{ samples: string[][]; succeeded: number }> {
  const samples: string[][] = [];
  const startedMs = performance.now();
  for (;;) {
    const { isDone, succeeded, mebibytes } = await feeder.ask("state");
    const isDue = performance.now() - startedMs >= samples.length * everyMs;
    if (isDone || isDue) {
      const values = [succeeded, mebibytes, await usedMebibytes(redis.connection), await sizeOf(out)];
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      samples.push([`${seconds} s`, ...values.map((value) => Math.round(value).toLocaleString("en-US"))]);
      console.error(samples.at(-1)?.join("  "));
    }
    if (isDone) return { samples, succeeded };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function usedMebibytes(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]) / 2 ** 20;
}

async function sizeOf(path: string): Promise<number> {
  const part = await stat(`${path}.part`).catch(() => stat(path).catch(() => null));
  return (part?.size ?? 0) / 2 ** 20;
}

async function writeRows(folder: string, rows: number): Promise<string> {
  const path = join(folder, `rows-${rows}.csv`);
  const file = createWriteStream(path);
  file.write("id,agent,topic,mood\n");
  for (let row = 0; row < rows; row++) {
    const isFree = file.write(`row-${row},bench,"what looms have taught us, part ${row}",calm\n`);
    if (!isFree) await once(file, "drain");
  }
  file.end();
  await once(file, "close");
  return path;
}
