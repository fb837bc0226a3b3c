import { expect, it } from "vitest";
import { measureRetention } from "../../../bench/retention/measure-retention.ts";
import { withRedis } from "../../../bench/with-redis.ts";

/* The short form of `npm run bench -- retention`. */

const PLAN = { jobs: 2000, agents: 40, resultsSeconds: 0.5, usageRows: 200 };
/** From the second quarter on everything is there that there can be: a thousand finished jobs in the lane, for one. */
const MOST_GROWTH = 1.1;

it("what Redis holds does not grow with the number of jobs that have ended", { timeout: 120_000 }, async () => {
  await withRedis(async ({ connection, path }) => {
    const samples = await measureRetention({ redis: connection, path }, PLAN);
    expect(samples.map(({ jobs }) => jobs)).toEqual([500, 1000, 1500, 2000]);
    const [, full, , last] = samples;
    const rest = ({ bytes, indexBytes }: (typeof samples)[number]): number => bytes - indexBytes;
    if (full === undefined || last === undefined) throw new Error("no samples");
    expect(last.keys).toBeLessThanOrEqual(full.keys * 1.02);
    expect(rest(last)).toBeLessThan(rest(full) * MOST_GROWTH);
  });
});
