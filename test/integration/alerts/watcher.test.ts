import { expect, it } from "vitest";
import { readAlerts } from "../../../src/alerts/alert-store.ts";
import { heartbeat } from "../../../src/admission/sweeper.ts";
import { dayOf } from "../../../src/job/usage-counters.ts";
import { CLOSED_PORT_URL, NORI, startSystem } from "../../support/generation-system.ts";
import { reset } from "../../support/misbehaving-answers.ts";
import { startRecordedServer, type Answer } from "../../support/recorded-server.ts";
import { HOUR_MS, LOOK_MS, OK, openWatching, watchOver } from "./watching.ts";

const answered = (status: number, headers: Readonly<Record<string, string>> = {}): Answer => ({
  response: { status, headers, bodyText: "" },
});

it("an alert is sent once, again every four hours while it lasts, and when it is over", async () => {
  await using at = await openWatching();
  const watcher = at.watcher();
  await watcher.look();
  expect(at.told(), "nothing is wrong").toEqual([]);
  await at.pause("authentication");
  for (let look = 0; look < 4; look++) {
    await watcher.look();
    at.pass(LOOK_MS);
  }
  expect(at.told()).toEqual(["firing 1"]);
  at.pass(4 * HOUR_MS);
  await watcher.look();
  await watcher.look();
  expect(at.told()).toEqual(["firing 1", "firing 2"]);

  await at.pause(null);
  for (let look = 0; look < 4; look++) {
    at.pass(LOOK_MS);
    await watcher.look();
  }
  expect(at.told(), "nobody has called since").toHaveLength(2);
  at.pass(LOOK_MS);
  await at.succeed();
  await watcher.look();
  expect(at.told(), "one quiet look is not enough").toHaveLength(2);
  await watcher.look();
  await watcher.look();
  expect(at.told()).toEqual(["firing 1", "firing 2", "resolved 3"]);
  expect(new Set(at.messages().map(({ alertId }) => alertId)).size).toBe(1);
  expect(await at.redis.exists(at.keys.alerts), "nothing is left").toBe(0);
  await watcher.look();
  expect(await at.redis.exists(at.keys.alertsSent)).toBe(0);
});

it.each<[string, Answer, RegExp]>([
  ["answers 500", answered(500), /answered 500: it has trouble/],
  ["redirects", answered(302, { location: "http://127.0.0.1:1/" }), /answered 302, a redirect: set ALERT_WEBHOOK_URL/],
  ["closes the connection", reset, /closed the connection without an answer/],
  ["is full", answered(429), /answered 429: it gets too many/],
])("a receiver that %s is tried again ever more seldom, and that is logged once", async (_, answer, reason) => {
  await using at = await openWatching(answer);
  const watcher = at.watcher();
  await at.pause("authentication");
  for (let look = 0; look < 80; look++) {
    await watcher.look();
    at.pass(LOOK_MS);
  }
  // At 0, 15, 45, 105, 225, 465, 945 s of 1200.
  expect(at.receiver.calls).toHaveLength(7);
  expect(new Set(at.messages().map(({ id }) => id)).size, "it is the same message").toBe(1);
  const failures = at.logs.filter(({ msg }) => msg === "an alert could not be sent; trying on");
  expect(failures).toMatchObject([{ level: 50, alert: true, reason: expect.stringMatching(reason) as string }]);
  expect(await readAlerts(at.redis, at.namespace)).toMatchObject({
    webhookProblem: expect.stringMatching(reason) as string,
    alerts: [{ kind: "key-refused", sentAt: null }],
  });

  at.receiver.answerWith(OK);
  at.pass(HOUR_MS);
  await watcher.look();
  await watcher.look();
  expect(at.told().slice(7)).toEqual(["firing 1"]);
  expect(at.logs.filter(({ msg }) => /are sent again/.test(String(msg)))).toMatchObject([{ failures: 7 }]);
  expect((await readAlerts(at.redis, at.namespace)).webhookProblem).toBe(null);
});

it("nobody listens at the receiver: the alert is kept and shown, and says why it was not sent", async () => {
  await using at = await openWatching();
  const watcher = at.watcher({ url: CLOSED_PORT_URL });
  await at.pause("quota-exhausted");
  await watcher.look();
  expect(await readAlerts(at.redis, at.namespace)).toMatchObject({
    lookedAt: at.now(),
    alerts: [{ kind: "quota-exhausted", sentAt: null }],
    webhookProblem: expect.stringMatching(/cannot be reached: .*ECONNREFUSED/) as string,
  });
});

it("of several processes one looks and one sends; another goes on when it ends", async () => {
  await using at = await openWatching();
  const [first, second, third] = [at.watcher(), at.watcher(), at.watcher({ webhook: false })];
  await at.pause("authentication");
  await Promise.all([first.look(), second.look(), third.look()]);
  await Promise.all([first.look(), second.look(), third.look()]);
  expect(at.told()).toEqual(["firing 1"]);
  expect(
    at.logs.filter(({ kind }) => kind === "key-refused"),
    "one has logged it",
  ).toHaveLength(1);

  await first.close();
  await second.close();
  at.pass(4 * HOUR_MS);
  await third.look();
  expect((await readAlerts(at.redis, at.namespace)).lookedAt).toBe(at.now());
  expect(at.told(), "it does not know the webhook").toHaveLength(1);
  await at.watcher().look();
  expect(at.told()).toEqual(["firing 1", "firing 2"]);
});

it("whoever dies after sending and before noting it sends once more, with the same id", async () => {
  await using at = await openWatching();
  const watcher = at.watcher();
  await at.pause("authentication");
  await watcher.look();
  await at.redis.del(at.keys.alertsSent);
  await watcher.look();
  await watcher.look();
  const ids = at.messages().map(({ id }) => id);
  expect(ids).toEqual([ids[0], ids[0]]);
});

it("many alerts at once: ten messages of a kind, and one of all the others", async () => {
  await using at = await openWatching();
  const watcher = at.watcher();
  for (let key = 0; key < 30; key++) {
    const name = `openai#${String(key).padStart(8, "0")}`;
    await at.redis.hset(at.keys.credential(name), { pausedUntil: at.now() + HOUR_MS, why: "authentication" });
    await at.redis.sadd(at.keys.knownLimits, name);
  }
  for (let look = 0; look < 3; look++) await watcher.look();
  expect(at.messages()).toHaveLength(11);
  expect(at.messages().find(({ subject }) => subject === "others")).toMatchObject({ details: { alerts: 20 } });
});

it("jobs without a worker, and then with one that does not take them, until one does", async () => {
  await using openai = await startRecordedServer();
  await using system = await startSystem({ openai, agents: [NORI] });
  await using at = await watchOver(system);
  const watcher = at.watcher();
  const { id } = await system.producer.enqueue({ kind: "tweet", agent: "nori", context: { topic: "canary-kettles" } });
  await watcher.look();
  at.pass(LOOK_MS);
  await watcher.look();
  expect(at.told(), "a restart takes a moment").toEqual([]);
  at.pass(60_000);
  await watcher.look();
  const [none] = at.messages();
  expect(none).toMatchObject({
    kind: "no-worker",
    details: { jobs: 1 },
    message: expect.stringMatching(/^1 job waits/) as string,
  });

  await heartbeat({ ...system, workerId: "takes-nothing" });
  at.pass(15 * 60_000);
  for (let look = 0; look < 3; look++) {
    await watcher.look();
    at.pass(LOOK_MS);
  }
  const next = at.messages().slice(1);
  expect(next.sort((a, b) => (a.kind < b.kind ? -1 : 1))).toMatchObject([
    { kind: "lane-stuck", state: "firing", subject: "openai/gpt-6-luna", details: { jobs: 1, stillMinutes: 16 } },
    { kind: "no-worker", state: "resolved" },
  ]);

  await system.startWorker();
  await system.resultOf(id);
  await watcher.look();
  await watcher.look();
  expect(at.messages().slice(3)).toMatchObject([{ kind: "lane-stuck", state: "resolved" }]);
  expect(JSON.stringify(at.messages())).not.toContain("canary-kettles");
});

it("the monitor stands in while no worker lives: it tells of that, and leaves everything else as it is", async () => {
  await using system = await startSystem({ agents: [NORI] });
  await using at = await watchOver(system);
  const [worker, monitor] = [at.watcher(), at.watcher({ isStandIn: true })];
  await at.pause("authentication");
  await system.producer.enqueue({ kind: "tweet", agent: "nori" });
  await heartbeat({ ...system, workerId: "w" });
  await monitor.look();
  expect((await readAlerts(at.redis, at.namespace)).lookedAt, "there is a worker").toBe(null);
  await worker.look();
  await monitor.look();
  expect(at.messages(), "it sends, because it was first").toMatchObject([{ kind: "key-refused" }]);

  await worker.close();
  await at.redis.del(at.keys.workers);
  await at.pause(null);
  at.pass(LOOK_MS);
  await at.succeed();
  for (let look = 0; look < 6; look++) {
    await monitor.look();
    at.pass(LOOK_MS);
  }
  expect(at.messages().slice(1)).toMatchObject([{ kind: "no-worker", state: "firing" }]);
  await heartbeat({ ...system, workerId: "w" });
  const back = at.watcher({ webhook: false });
  for (let look = 0; look < 2; look++) await back.look();
  await monitor.look();
  const over = at
    .messages()
    .slice(2)
    .map(({ kind, state }) => `${kind} ${state}`);
  expect(over.sort()).toEqual(["key-refused resolved", "no-worker resolved"]);
});

it("a lane that an operator holds, or that is paused in Bull Board, is not stuck", async () => {
  await using system = await startSystem({ agents: [NORI] });
  await using at = await watchOver(system);
  const watcher = at.watcher();
  const lane = system.lane("openai~gpt-6-luna");
  await system.producer.enqueue({ kind: "tweet", agent: "nori" });
  await heartbeat({ ...system, workerId: "takes-nothing" });
  at.pass(HOUR_MS);
  const lookTwice = async (): Promise<void> => {
    for (let look = 0; look < 2; look++) {
      await watcher.look();
      at.pass(LOOK_MS);
    }
  };
  await system.redis.hset(system.keys.operatorPauses, "provider:openai", at.now());
  await lookTwice();
  await system.redis.del(system.keys.operatorPauses);
  await lane.pause();
  await lookTwice();
  expect(at.told()).toEqual([]);
  await lane.resume();
  await lookTwice();
  expect(at.messages()).toMatchObject([{ kind: "lane-stuck" }]);
});

it("calls that were cut off by the death of their workers", async () => {
  await using at = await openWatching();
  const watcher = at.watcher();
  await watcher.look();
  const count = async (outcome: string, calls: number): Promise<void> => {
    const day = at.keys.usageDay(dayOf(at.now()));
    await at.redis.hincrby(day, "openai|gpt-6-luna|requests", calls);
    await at.redis.hincrby(day, "openai|gpt-6-luna|failures", calls);
    await at.redis.hincrby(day, `openai|gpt-6-luna|outcome:${outcome}`, calls);
  };
  await count("overloaded", 90);
  await count("crashed", 10);
  await watcher.look();
  expect(at.messages()).toMatchObject([{ kind: "orphan-rate", details: { attempts: 100, orphans: 10 } }]);
  for (let minute = 0; minute < 75; minute++) {
    at.pass(60_000);
    await watcher.look();
  }
  expect(at.told(), "an hour later").toEqual(["firing 1", "resolved 2"]);
});

it("budgets: a warning, and then what is used up in its place", async () => {
  await using at = await openWatching();
  const watcher = at.watcher({ settings: { budgets: { globalUsdPerDay: 1 } } });
  const spending = at.keys.spending(dayOf(at.now()));
  await at.redis.hset(spending, "global", 0.85e12);
  await watcher.look();
  // A call was refused: what is left does not pay for it.
  await at.redis.hset(spending, "global", 0.99e12, "refused|global", 1e12);
  for (let look = 0; look < 3; look++) await watcher.look();
  expect(at.messages()).toMatchObject([
    { kind: "budget-warning", state: "firing", subject: "global", details: { spentUsd: 0.85, limitUsd: 1 } },
    { kind: "budget-reached", state: "firing", subject: "global", details: { spentUsd: 0.99, limitUsd: 1 } },
  ]);
});
