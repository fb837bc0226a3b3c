import { expect, it } from "vitest";
import { readAlerts } from "../../../src/alerts/alert-store.ts";
import { signatureOf } from "../../../src/alerts/webhook.ts";
import { NORI, TEST_KEYS, startSystem } from "../../support/generation-system.ts";
import { completionAnswer, recordedAnswer } from "../../support/recorded-answers.ts";
import { startRecordedServer } from "../../support/recorded-server.ts";
import { waitFor } from "../../support/wait-for.ts";

const SECRET = "canary-webhook-secret";
const TOKEN = "canary-webhook-token";
const PROMPT = "Write about canary-kettles.";

it("a key out of money: two workers, one message; another when it is over; nothing secret in any", async () => {
  const quota = recordedAnswer("openai/429-insufficient-quota.json");
  await using openai = await startRecordedServer(quota);
  await using receiver = await startRecordedServer();
  await using system = await startSystem({
    ...{ openai, agents: [NORI], settings: { pauseSeconds: 0.3 } },
    environment: { ALERT_WEBHOOK_URL: `${receiver.baseUrl}/${TOKEN}?token=${TOKEN}`, ALERT_WEBHOOK_SECRET: SECRET },
  });
  for (let index = 0; index < 2; index++) await system.startWorker({ alertsEveryMs: 20 });
  const failed = await system.run({ kind: "content", agent: "nori", prompt: PROMPT });
  expect(failed).toMatchObject({ status: "failed" });
  await receiver.seen(1);
  const shown = await waitFor(async () => {
    const { alerts } = await readAlerts(system.redis, system.namespace);
    return alerts[0]?.sentAt != null && alerts[0];
  });
  expect(shown).toMatchObject({ kind: "quota-exhausted", severity: "critical" });
  // The pause ends, and nobody has called since: nobody knows whether there is money again.
  const pausedUntil = async () => Number(await system.redis.hget(system.keys.credential(shown.subject), "pausedUntil"));
  await waitFor(async () => (await pausedUntil()) < Date.now());
  const { lookedAt } = await readAlerts(system.redis, system.namespace);
  await waitFor(async () => ((await readAlerts(system.redis, system.namespace)).lookedAt ?? 0) > (lookedAt ?? 0) + 100);
  expect(receiver.calls).toHaveLength(1);

  openai.answerWith(completionAnswer());
  await waitFor(
    async () => (await system.run({ kind: "content", agent: "nori", prompt: PROMPT })).status === "succeeded",
  );
  await receiver.seen(2);
  await waitFor(async () => (await system.redis.hlen(system.keys.alerts)) === 0);
  expect((await readAlerts(system.redis, system.namespace)).alerts).toEqual([]);

  const [firing, resolved] = receiver.calls.map(({ body }) => body);
  expect(receiver.calls).toHaveLength(2);
  const alertId = String(firing?.["alertId"]);
  expect(firing).toEqual({
    ...{ id: `${alertId}.1`, alertId: expect.stringMatching(/^[0-9a-f]{12}$/) as string, state: "firing" },
    ...{ kind: "quota-exhausted", subject: expect.stringMatching(/^openai#[0-9a-f]{8}$/) as string },
    ...{ severity: "critical", namespace: system.namespace, details: {} },
    message: expect.stringContaining("out of money or quota: top up") as string,
    sinceAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    sentAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    text: expect.stringMatching(/^\[CRITICAL\] quota-exhausted \(.*\): the vendor says /) as string,
  });
  expect(resolved).toMatchObject({ id: `${alertId}.2`, alertId, state: "resolved", kind: "quota-exhausted" });
  for (const { headers, bodyText, method, url } of receiver.calls) {
    expect({ method, url }).toEqual({ method: "POST", url: `/v1/${TOKEN}?token=${TOKEN}` });
    expect(headers).toMatchObject({
      ...{ "content-type": "application/json", "x-puppet-signature": signatureOf(bodyText, SECRET) },
    });
  }
  const logged = system.logs.filter(({ alertId: id }) => id === alertId);
  expect(logged).toMatchObject([
    { alert: true, kind: "quota-exhausted", level: 50 },
    { kind: "quota-exhausted", msg: "alert is over" },
  ]);
  const everything = JSON.stringify([system.logs, receiver.calls.map(({ bodyText }) => bodyText)]);
  const vendorsWords = (quota.response.body as { error: { message: string } }).error.message;
  for (const secret of [SECRET, TOKEN, ...Object.values(TEST_KEYS), "canary-kettles"])
    expect(everything).not.toContain(secret);
  expect(receiver.calls.map(({ bodyText }) => bodyText).join("")).not.toContain(vendorsWords.slice(0, 30));
});
