import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { createRunBook } from "../../src/storage/run-book.ts";
import { seededRandom } from "../../src/providers/fake/seeded-random.ts";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { testRedisUrl } from "../support/redis.ts";
import type { RunningProgram } from "../support/run-cli.ts";
import { expectBalancedBooks } from "../support/usage-books.ts";

/*
 * A bulk run whose processes are killed: its feeder, and with BULK_KILL_WORKERS its worker as well. `npm run
 * test:bulk-kills` does it with 100,000 rows; the rows of a killed worker come back after 35 seconds.
 */
const ROWS = Number(process.env["BULK_KILL_ROWS"] ?? 1500);
const KILLS = Number(process.env["BULK_KILLS"] ?? 3);
const KILLS_WORKERS = process.env["BULK_KILL_WORKERS"] === "1";
const SEED = process.env["BULK_KILL_SEED"] ?? String(Date.now());
/** Looking reads the whole output. */
const LOOK_EVERY_MS = ROWS > 10_000 ? 1000 : 20;
const PATIENCE_MS = 60_000 + ROWS * 20 + (KILLS_WORKERS ? KILLS * 60_000 : 0);

it(
  `fault 36: a bulk of ${ROWS} rows, killed ${KILLS} times and resumed: exactly one line a row (seed ${SEED})`,
  async () => {
    const config = { fake: { latencyMs: { min: 5, max: 40 } }, retention: { usageRows: 10 * ROWS } };
    await using cli = await openCliSession({ env: { PUPPET_ENGINE_CONFIG: "config.json" } });
    await cli.write("config.json", config);
    const rows = Array.from({ length: ROWS }, (_, index) => `echo,topic ${index}\n`).join("");
    await cli.write("rows.csv", `agent,topic\n${rows}`);
    const random = seededRandom(SEED, "kills");
    const startedMs = performance.now();
    await using workers = new AsyncDisposableStack();
    let worker = workers.use(await startWorker(cli));
    let killed = 0;
    for (;;) {
      await using feeder = feed(cli);
      const isKilled = killed < KILLS;
      if (isKilled) {
        const before = await linesOf(cli);
        // Anywhere in its part of the run, or before it has written anything.
        const until = before + Math.floor((random.next() * 2 * ROWS) / (KILLS + 1));
        await running(feeder, async () => (await linesOf(cli)) >= Math.min(until, ROWS - 10));
        feeder.signal("SIGKILL");
        killed++;
        if (KILLS_WORKERS && killed % 2 === 0) {
          worker.signal("SIGKILL");
          await worker.ended;
          worker = workers.use(await startWorker(cli));
        }
      }
      const { code, stdout, stderr } = await feeder.ended;
      if (isKilled && code === null) continue;
      // Progress says nothing when all was done before the last kill; the summary does.
      expect(stdout, `exit code ${code}, ${stderr}`).toMatch(new RegExp(`${ROWS}/${ROWS} done, 0 failed`));
      break;
    }
    const lines = await cli.readLines("out.jsonl");
    const wallSeconds = (performance.now() - startedMs) / 1000;
    console.log(
      `${killed} kills, ${ROWS} rows in ${wallSeconds.toFixed(0)} s (${Math.round(ROWS / wallSeconds)} a second)`,
    );
    expect(lines).toHaveLength(ROWS);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(ROWS);
    expect(lines.filter(({ status }) => status !== "succeeded")).toEqual([]);
    await expectCounted(cli);
    worker.signal("SIGTERM");
    await worker.ended;
  },
  PATIENCE_MS,
);

async function startWorker(cli: CliSession): Promise<RunningProgram> {
  const worker = cli.start("worker");
  await worker.waitForOutput(/is taking jobs/);
  return worker;
}

function feed(cli: CliSession): RunningProgram {
  const resume = existsSync(join(cli.folder, "out.jsonl.part")) ? ["--resume"] : [];
  return cli.start("bulk", "rows.csv", "--out", "out.jsonl", "--in-flight", "400", ...resume);
}

/** Waits for a condition, or the program's end. */
async function running(program: RunningProgram, condition: () => Promise<boolean>): Promise<void> {
  const state = { hasEnded: false };
  void program.ended.then(() => {
    state.hasEnded = true;
    return null;
  });
  await program.waitForOutput(/^run b/m);
  while (!state.hasEnded && !(await condition())) await sleep(LOOK_EVERY_MS);
}

async function linesOf(cli: CliSession): Promise<number> {
  const text = await cli.read("out.jsonl.part").catch(() => "");
  return text.split("\n").length - 1;
}

/** Redis has counted each row once, and every call is on the books. */
async function expectCounted({ namespace }: CliSession): Promise<void> {
  const redis = new Redis(testRedisUrl());
  try {
    const [run] = await createRunBook(redis, namespace, Date).list();
    expect(run).toMatchObject({ state: "done", total: ROWS, done: { succeeded: ROWS } });
    const { rows } = await expectBalancedBooks(redis, namespace);
    expect(rows.length).toBeGreaterThanOrEqual(ROWS);
    expect(rows.filter(({ outcome }) => outcome === "succeeded")).toHaveLength(ROWS);
  } finally {
    redis.disconnect();
  }
}
