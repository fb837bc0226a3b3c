import { describe, expect, it } from "vitest";
import { controlKeys } from "../../src/admission/keys.ts";
import { openCliSession, type CliSession } from "../support/cli-session.ts";
import { connectTestRedis } from "../support/redis.ts";
import { waitFor } from "../support/wait-for.ts";

const JUNO = {
  ...{ id: "juno", name: "Juno", llm_provider: "fake" },
  schedule: { cron: "0 9,17 * * 1-5", timezone: "Europe/Berlin", topics: ["fog", "tides"] },
};
const ORBIT = {
  ...{ id: "orbit", name: "Orbit", llm_provider: "fake" },
  behavior: {
    post_frequency: { min_hours_between_posts: 2, max_hours_between_posts: 6, peak_posting_hours: [9, 18] },
  },
};

const EMPTY = { code: 0, stderr: "" };
const LOCAL = String.raw`(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d`;

async function openSession(env: Readonly<Record<string, string>> = {}): Promise<CliSession> {
  const session = await openCliSession({ env });
  await session.write("agents/juno.json", JUNO);
  await session.write("agents/orbit.json", ORBIT);
  return session;
}

/** As after downtime: its last slot was long ago. */
async function makeOverdue({ namespace }: CliSession, agent: string): Promise<void> {
  await using redis = await connectTestRedis();
  const keys = controlKeys(namespace);
  await redis.hset(keys.schedule(agent), "lastSlotAt", Date.now() - 7 * 24 * 3600_000);
  await redis.zadd(keys.schedulesDue, 0, agent);
}

it("sync, list and remove tell what is stored, and what changes", async () => {
  await using session = await openSession();
  const dry = await session.run("schedule", "sync", "--dry-run");
  expect(dry).toMatchObject({ code: 0, stderr: "note: nothing was changed (--dry-run)\n" });
  expect(dry.stdout).toMatch(/\n2 added, 0 changed, 0 removed, 0 unchanged\n$/);
  expect(await session.run("schedule", "list")).toMatchObject({
    ...EMPTY,
    stdout: "there is no schedule; see `puppet-engine schedule sync`\n",
  });

  const synced = await session.run("schedule", "sync");
  expect(synced).toMatchObject(EMPTY);
  expect(synced.stdout).toMatch(
    new RegExp(
      String.raw`^agent +change +when +topics +next\njuno +added +0 9,17 \* \* 1-5 \(Europe/Berlin\) +2 +${LOCAL}\norbit +added +every 2–6 h, rather at 9, 18 h \(UTC\) +0 +${LOCAL}\n`,
    ),
  );

  const listed = await session.run("schedule", "list", "--next", "2");
  expect(listed).toMatchObject(EMPTY);
  expect(listed.stdout).toMatch(
    new RegExp(
      String.raw`^agent +when +next +last +result +topics\njuno +0 9,17.* +${LOCAL} \(in [^)]+\) +never +0/2\n +${LOCAL} \(in [^)]+\)\norbit +every 2–6`,
    ),
  );
  expect(listed.stdout.split("\n").filter((line) => line.length > 100)).toEqual([]);

  await session.write("agents/juno.json", { ...JUNO, schedule: { ...JUNO.schedule, enabled: false } });
  await session.write("agents/orbit.json", { id: "orbit", name: "Orbit", llm_provider: "fake" });
  const again = await session.run("schedule", "sync", "--json");
  expect(JSON.parse(again.stdout)).toEqual([
    { agent: "juno", change: "changed" },
    { agent: "orbit", change: "removed" },
  ]);
  const json = JSON.parse((await session.run("schedule", "list", "--json")).stdout) as unknown;
  expect(json).toMatchObject([{ agentId: "juno", nextAt: [], schedule: { enabled: false } }]);
  expect((await session.run("schedule", "list")).stdout).toMatch(/juno .* disabled +never +0\/2\n/);
  expect(await session.run("schedule", "remove", "juno")).toMatchObject({
    code: 0,
    stdout: "juno: its schedule is removed\n",
  });
  expect(await session.run("schedule", "remove", "--all")).toMatchObject({ code: 0, stdout: "there is no schedule\n" });
}, 60_000);

it("two workers fire a slot that was missed once, and list shows its result", async () => {
  await using session = await openSession();
  await session.run("schedule", "sync");
  await makeOverdue(session, "juno");
  const waiting = await session.run("schedule", "list");
  expect(waiting.stdout).toMatch(/juno .* overdue for \d+ (h|days)/);
  expect(waiting.stderr).toBe(
    "note: posts are overdue: no worker looks after schedules; start one with `puppet-engine worker`\n",
  );
  await using first = session.start("worker");
  await using second = session.start("worker");
  const output = () => `${first.stderr}${second.stderr}`;
  await waitFor(() => /s_juno_\d+.*succeeded/.test(output()), { describe: output, timeoutMs: 20_000 });
  expect(output().match(/scheduled post enqueued/g)).toHaveLength(1);
  const { stdout } = await session.run("schedule", "list");
  expect(stdout).toMatch(new RegExp(String.raw`juno .* ${LOCAL} \(in [^)]+\) +${LOCAL} +succeeded +1/2\n`));
  for (const worker of [first, second]) {
    worker.signal("SIGTERM");
    expect((await worker.ended).code).toBe(0);
  }
}, 60_000);

it("a worker whose configuration says so leaves schedules alone", async () => {
  await using session = await openSession({ PUPPET_ENGINE_CONFIG: "config.json" });
  await session.write("config.json", { schedules: { enabled: false } });
  await session.run("schedule", "sync");
  await makeOverdue(session, "juno");
  const { code } = await session.run("enqueue", "tweet", "--agent", "orbit", "--topic", "x", "--worker");
  expect(code).toBe(0);
  await using redis = await connectTestRedis();
  expect(await redis.zscore(controlKeys(session.namespace).schedulesDue, "juno")).toBe("0");
}, 60_000);

it("check shows the schedules of the agents' files", async () => {
  await using session = await openSession();
  const { stdout } = await session.run("check");
  expect(stdout).toMatch(
    new RegExp(String.raw`\nschedules\n +ok +juno: 0 9,17 \* \* 1-5 \(Europe/Berlin\); 2 topics; next ${LOCAL}\n`),
  );
  expect(stdout).toContain("orbit: every 2–6 h, rather at 9, 18 h (UTC); no topics of its own");
});

describe("what is wrong", () => {
  it("is told: no folder of agents, an unknown agent, both or neither of agent and --all, a broken file", async () => {
    await using session = await openCliSession();
    const nowhere = await session.run("schedule", "sync");
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toMatch(/AGENTS_DIR: got no folder agents here, .*; expected a folder of your agents\n$/);
    const unknown = await session.run("schedule", "remove", "juno");
    expect(unknown).toMatchObject({
      code: 2,
      stderr: 'error: schedule remove agent: got "juno"; expected nothing: there is no schedule\n',
    });
    const neither = "error: schedule remove agent: got neither an agent nor --all; expected one of the two\n";
    expect(await session.run("schedule", "remove")).toMatchObject({ code: 2, stderr: neither });
    const both = 'error: schedule remove agent: got "juno" and --all; expected one of the two\n';
    expect(await session.run("schedule", "remove", "juno", "--all")).toMatchObject({ code: 2, stderr: both });
    await session.write("agents/juno.json", { ...JUNO, schedule: { cron: "0 9 31 2 *" } });
    const broken = await session.run("schedule", "sync");
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain('juno.json:1 schedule.cron: got "0 9 31 2 *", which never comes');
    await session.write("agents/juno.json", JUNO);
    await session.run("schedule", "sync");
    const similar = await session.run("schedule", "remove", "june");
    expect(similar.stderr).toContain('got "june"; expected the id of an agent: juno; did you mean "juno"?');
  }, 60_000);

  it("Redis does not answer: exit 5", async () => {
    await using session = await openSession({ REDIS_URL: "redis://127.0.0.1:1" });
    const { code, stderr } = await session.run("schedule", "list");
    expect(code).toBe(5);
    expect(stderr).toContain("Redis at redis://127.0.0.1:1");
  });
});
