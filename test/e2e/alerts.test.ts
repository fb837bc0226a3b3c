import { expect, it } from "vitest";
import { openCliSession } from "../support/cli-session.ts";
import { CLOSED_PORT_URL } from "../support/generation-system.ts";
import { startRecordedServer } from "../support/recorded-server.ts";
import { connectTestRedis } from "../support/redis.ts";
import { watchOver } from "../integration/alerts/watching.ts";
import { controlKeys } from "../../src/admission/keys.ts";

const TOKEN = "canary-webhook-token";

it("shows what wants a person, as text and as JSON, and whether it was sent", async () => {
  await using cli = await openCliSession();
  const nothing = await cli.run("alerts");
  expect(nothing).toMatchObject({ code: 0, stdout: `no alerts (namespace ${cli.namespace})\n` });
  expect(nothing.stderr).toMatch(/^note: no worker or monitor has looked yet; start one with `puppet-engine worker`$/m);
  expect(nothing.stderr).toMatch(/^note: ALERT_WEBHOOK_URL is not set here/m);

  await using redis = await connectTestRedis();
  const { namespace } = cli;
  await using at = await watchOver({ redis, namespace, keys: controlKeys(namespace) });
  await at.pause("quota-exhausted");
  await at.watcher().look();
  const [text, json] = await Promise.all([cli.run("alerts"), cli.run("alerts", "list", "--json")]);
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(
    /^CRITICAL quota-exhausted, since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(\d+ s ago\), sent \d+ s ago\n {2}the vendor says that the account of key openai#1a2b3c4d is out of money or quota: top up/,
  );
  expect(JSON.parse(json.stdout)).toMatchObject({
    lookedAt: at.now(),
    alerts: [{ kind: "quota-exhausted", subject: "openai#1a2b3c4d", sentAt: at.now(), sinceAt: at.now() }],
    webhookProblem: null,
  });
});

it("says when nobody looks any more, and why an alert was not sent", async () => {
  await using cli = await openCliSession({
    env: { ALERT_WEBHOOK_URL: `${CLOSED_PORT_URL}/${TOKEN}` },
    secrets: [TOKEN],
  });
  await using redis = await connectTestRedis();
  const { namespace } = cli;
  await using at = await watchOver({ redis, namespace, keys: controlKeys(namespace) });
  at.pass(-10 * 60_000);
  await at.pause("authentication");
  await at.watcher({ url: CLOSED_PORT_URL }).look();
  const { stdout, stderr } = await cli.run("alerts");
  expect(stdout).toMatch(/^CRITICAL key-refused, .*, not sent$/m);
  expect(stderr).toMatch(/^note: no worker or monitor has looked for 1[01] min; start one/m);
  expect(stderr).toMatch(/^note: the last alert could not be sent: the receiver cannot be reached.*ECONNREFUSED/m);
});

it("alerts test: what the receiver answered; without Redis; exit 2 and the reason when it did not take it", async () => {
  await using receiver = await startRecordedServer();
  const url = `${receiver.baseUrl}/${TOKEN}`;
  const env = { REDIS_URL: CLOSED_PORT_URL.replace("http", "redis").replace("/v1", ""), ALERT_WEBHOOK_URL: url };
  await using cli = await openCliSession({ env, secrets: [TOKEN] });
  const { host } = new URL(url);
  expect(await cli.run("alerts", "test")).toMatchObject({
    ...{ code: 0, stderr: "", stdout: `${host} answered 200: it has taken the test alert (not signed)\n` },
  });
  expect(receiver.calls.map(({ body }) => body)).toMatchObject([
    {
      kind: "test",
      state: "firing",
      namespace: cli.namespace,
      text: expect.stringMatching(/nothing is wrong$/) as string,
    },
  ]);
  receiver.answerWith({ response: { status: 404, headers: {}, bodyText: TOKEN } });
  expect(await cli.run("alerts", "test")).toMatchObject({
    code: 2,
    stderr: `error: the test alert to ${host} was not taken: the receiver answered 404: there is no such webhook; was it deleted?\n`,
  });

  await using without = await openCliSession();
  expect(await without.run("alerts", "test")).toMatchObject({
    code: 2,
    stdout: "",
    stderr:
      "error: environment ALERT_WEBHOOK_URL: got nothing; expected the URL of a webhook, such as Slack's; see docs/alerts.md\n",
  });
});
