import { styleText } from "node:util";
import type { ActiveAlert } from "../alerts/alert.ts";
import type { AlertsReport } from "../alerts/alert-store.ts";
import { loadConfig } from "../config/load-config.ts";
import { systemClock } from "../platform/clock.ts";
import { InvalidInputError } from "../platform/problem.ts";
import type { AddCommand } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { roundedDuration } from "../platform/numbers.ts";
import { showSince } from "./times.ts";
import { openWorkplace } from "./workplace.ts";

export const alertsCommand: AddCommand = (program, end) => {
  const alerts = program
    .command("alerts")
    .description("what wants a person: providers out of money, refused keys, used-up budgets, stuck lanes …")
    .addHelpText(
      "after",
      `
Workers and the monitor look every 15 s. What they find is logged, shown here, and sent to ALERT_WEBHOOK_URL, if that is
set: once, again every 4 hours while it lasts (alerts.repeatHours), and when it is over. docs/alerts.md explains each kind,
and what a receiver gets.

  $ puppet-engine alerts
  $ puppet-engine alerts test`,
    );
  alerts
    .command("list", { isDefault: true })
    .description("alerts that are not over")
    .option("--json", "print JSON: times in epoch ms")
    .action(async ({ json = false }: { json?: boolean }) => end(await list(json)));
  alerts
    .command("test")
    .description("send a test alert to ALERT_WEBHOOK_URL, and say what the receiver answered")
    .addHelpText(
      "after",
      `
It needs neither Redis nor a worker. Exit code 2 when the alert was not taken; nothing is tried again.`,
    )
    .action(async () => end(await test()));
};

/** Whoever looks does so every 15 s, or within 40 s of another's death. */
const STALE_MS = 120_000;

async function list(json: boolean): Promise<ExitCode> {
  await using workplace = await openWorkplace({ agents: "none" });
  await using operator = workplace.operator();
  const report = await operator.alerts();
  const now = systemClock.now();
  if (json) console.log(JSON.stringify(report));
  else console.log(alertsText(report, workplace.config.namespace, now));
  for (const note of notesOn(report, workplace.config.alertWebhook !== null, now)) console.error(`note: ${note}`);
  return EXIT.ok;
}

function alertsText({ alerts, lookedAt }: AlertsReport, namespace: string, now: number): string {
  if (alerts.length > 0) return alerts.map((alert) => alertText(alert, now)).join("\n\n");
  const looked = lookedAt === null ? "" : `, looked ${roundedDuration(now - lookedAt)} ago`;
  return `no alerts (namespace ${namespace}${looked})`;
}

function alertText({ severity, kind, message, sinceAt, sentAt }: ActiveAlert, now: number): string {
  const head = styleText(severity === "critical" ? "red" : "yellow", `${severity.toUpperCase()} ${kind}`);
  const sent = sentAt === null ? "not sent" : `sent ${roundedDuration(now - sentAt)} ago`;
  return `${head}, since ${showSince(sinceAt, now)}, ${sent}\n  ${message}`;
}

function notesOn({ lookedAt, webhookProblem }: AlertsReport, hasWebhook: boolean, now: number): string[] {
  const start = "start one with `puppet-engine worker`";
  return [
    ...(lookedAt === null ? [`no worker or monitor has looked yet; ${start}`] : []),
    ...(lookedAt !== null && now - lookedAt > STALE_MS
      ? [`no worker or monitor has looked for ${roundedDuration(now - lookedAt)}; ${start}`]
      : []),
    ...(hasWebhook ? [] : ["ALERT_WEBHOOK_URL is not set here: where it is not, alerts are only logged and shown"]),
    ...(webhookProblem === null
      ? []
      : [`the last alert could not be sent: ${webhookProblem}; \`puppet-engine alerts test\` tries it`]),
  ];
}

async function test(): Promise<ExitCode> {
  const config = loadConfig();
  for (const note of config.notes) console.error(`note: ${note}`);
  if (config.alertWebhook === null) {
    const expected = "the URL of a webhook, such as Slack's; see docs/alerts.md";
    throw new InvalidInputError([{ source: "environment", path: "ALERT_WEBHOOK_URL", got: "nothing", expected }]);
  }
  const { host } = new URL(config.alertWebhook.url);
  const { sendTestAlert } = await import("../compose-alerts.ts");
  const outcome = await sendTestAlert(config, config.alertWebhook);
  if (!outcome.ok) {
    console.error(`error: the test alert to ${host} was not taken: ${outcome.problem}`);
    return EXIT.usage;
  }
  const signed = config.alertWebhook.secret === null ? "not signed" : "signed with ALERT_WEBHOOK_SECRET";
  console.log(`${host} answered ${outcome.status}: it has taken the test alert (${signed})`);
  return EXIT.ok;
}
