import { expect, it } from "vitest";
import { readWork } from "../../src/storage/worker-report.ts";
import { NORI, startSystem, TEST_KEYS } from "../support/generation-system.ts";
import { hang } from "../support/misbehaving-answers.ts";
import { completionAnswer } from "../support/recorded-answers.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { testRedisUrl } from "../support/redis.ts";
import { startCli, type RunningProgram } from "../support/run-cli.ts";

/** A lost lock is noticed after 35 s at most: the lock itself and two stalled checks. */
const NOTICED_MS = 80_000;
const READY = /is taking jobs/;
const LANE = "openai~gpt-6-luna";

it(
  "a worker that is killed in mid-call: another one runs the job again, there is one result, and every call is accounted for",
  async () => {
    await using openai = await startRecordedServer(hang, completionAnswer({ text: "Second time lucky." }));
    await using system = await startSystem({ openai, agents: [{ ...NORI, variety: false }] });
    const start = (): RunningProgram =>
      startCli(["worker"], {
        env: {
          REDIS_URL: testRedisUrl(),
          PUPPET_ENGINE_NAMESPACE: system.namespace,
          OPENAI_API_KEY: TEST_KEYS.openai,
          OPENAI_BASE_URL: openai.baseUrl,
        },
      });
    await using first = start();
    await first.waitForOutput(READY);
    await system.producer.enqueue({ id: "a", kind: "tweet", agent: "nori" });
    await openai.seen(1);
    first.signal("SIGKILL");
    expect(await first.ended).toMatchObject({ code: null, signal: "SIGKILL" });

    await using second = start();
    await second.waitForOutput(READY);
    const neighbour = await system.run({ id: "b", kind: "tweet", agent: "nori" });
    expect(neighbour, "the others need not wait").toMatchObject({ status: "succeeded", attempts: [{ attempt: 1 }] });

    const result = await system.producer.result("a", { waitMs: NOTICED_MS });
    expect(result).toMatchObject({
      ...{ status: "succeeded", text: "Second time lucky." },
      attempts: [{ outcome: "crashed", possiblyBilled: true }, { outcome: "succeeded" }],
    });
    expect(openai.calls, "the killed call, the repeated one and the neighbour's").toHaveLength(3);
    // The sweeper comes by every two seconds.
    await expect.poll(async () => (await system.rows()).length, { timeout: 10_000 }).toBe(3);
    const rows = await system.expectAccounted();
    expect(rows.map(({ attemptId, outcome }) => `${attemptId} ${outcome}`).sort()).toEqual([
      "a.1 crashed",
      "a.2 succeeded",
      "b.1 succeeded",
    ]);
    expect(rows.find(({ attemptId }) => attemptId === "a.1")?.costMicroUsd).toBeGreaterThan(140);

    second.signal("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0, signal: null });
    expect(`${first.stderr}${second.stderr}`).not.toContain(TEST_KEYS.openai);
    const work = await readWork(system.redis, system.namespace);
    expect(work).toContainEqual(expect.objectContaining({ metric: "stalled", labels: { lane: LANE }, sum: 1 }));
  },
  NOTICED_MS + 40_000,
);
