import { describe, expect, it } from "vitest";
import { ALERT_KINDS } from "../../../src/alerts/alert.ts";
import { DEFAULT_CONFIG } from "../../../src/config/config-file.ts";
import { alertRulesOf } from "../../../src/config/policies.ts";
import { load, refusal, refusalOf } from "./load-with.ts";

const URL_VARIABLE = "ALERT_WEBHOOK_URL";
const CANARY = "canary-token";

describe("where alerts are sent", () => {
  it("is nowhere, unless somebody says so", async () => {
    expect((await load()).alertWebhook).toBe(null);
    const { alertWebhook, notes } = await load({ environment: { ALERT_WEBHOOK_SECRET: CANARY } });
    expect(alertWebhook).toBe(null);
    expect(notes).toEqual(["ALERT_WEBHOOK_SECRET: not used, because ALERT_WEBHOOK_URL is not set"]);
  });

  it.each([
    "https://hooks.example.com/services/T0/B0/XXXX",
    "https://prod.example.com:443/workflows/1?api-version=1&sig=XXXX",
    "http://127.0.0.1:9000/hook",
    "http://localhost/hook",
  ])("may be %s", async (url) => {
    expect((await load({ environment: { [URL_VARIABLE]: ` ${url}\n` } })).alertWebhook).toEqual({ url, secret: null });
  });

  it("may be in mounted files, with the secret that signs", async () => {
    const files = { url: "https://hooks.example.com/x\n", secret: "s3\n" };
    const environment = { ALERT_WEBHOOK_URL_FILE: "url", ALERT_WEBHOOK_SECRET_FILE: "secret" };
    const { alertWebhook } = await load({ environment, files });
    expect(alertWebhook).toEqual({ url: "https://hooks.example.com/x", secret: "s3" });
  });

  it.each([
    [CANARY, "no http(s) URL"],
    [`ftp://example.com/${CANARY}`, "no http(s) URL"],
    [`https://me:${CANARY}@example.com/`, "a URL with a user or password"],
    [`https://example.com/#${CANARY}`, "a URL with a fragment (#…)"],
    [`http://hooks.example.com/${CANARY}`, "http to hooks.example.com: alerts would travel unencrypted"],
    [`https://10.0.0.7/${CANARY}`, "the private or link-local address 10.0.0.7"],
    [`http://169.254.169.254/${CANARY}`, "the private or link-local address 169.254.169.254"],
    [`https://2130706433/${CANARY}`, "an IP address in disguise (127.0.0.1)"],
  ])("is refused as %s, without showing it", async (url, got) => {
    const [line = "", ...others] = await refusalOf({ [URL_VARIABLE]: url });
    expect(others).toEqual([]);
    expect(line).toMatch(/^environment ALERT_WEBHOOK_URL: got .*; expected /);
    expect(line).toContain(`got ${got};`);
    expect(line).not.toContain(CANARY);
  });

  it("may be a host of one's own that the configuration file trusts", async () => {
    const files = { "c.json": '{"trustedEndpointHosts": ["alerts.internal", "10.0.0.7"]}' };
    const environment = { PUPPET_ENGINE_CONFIG: "c.json" };
    for (const url of ["http://alerts.internal:8080/hook", "http://10.0.0.7/hook"])
      expect((await load({ environment: { ...environment, [URL_VARIABLE]: url }, files })).alertWebhook?.url).toBe(url);
  });
});

describe("alerts in a configuration file", () => {
  it("may be changed one by one", async () => {
    const json = '{"alerts": {"repeatHours": 1, "ignored": ["breaker-open"]}, "budgets": {"warnShare": 0.5}}';
    const { file } = await load({ environment: { PUPPET_ENGINE_CONFIG: "c.json" }, files: { "c.json": json } });
    expect(file.alerts).toEqual({ ...DEFAULT_CONFIG.alerts, repeatHours: 1, ignored: ["breaker-open"] });
    expect(alertRulesOf(file)).toEqual({
      ...{ repeatMs: 3600_000, laneStuckMs: 900_000, orphanShare: 0.05, orphanMinCount: 10, warnShare: 0.5 },
      ignored: ["breaker-open"],
    });
  });

  it("are refused for every wrong field", async () => {
    const json = `{"alerts": {
  "repeatHours": 0,
  "laneStuckMinutes": "15",
  "orphanShare": 5,
  "orphanMinCount": 1.5,
  "ignored": ["quota"],
  "webhook": "https://hooks.example.com/elsewhere"
}}`;
    const lines = await refusal({ environment: { PUPPET_ENGINE_CONFIG: "c.json" }, files: { "c.json": json } });
    expect(lines).toEqual([
      "c.json:2 alerts.repeatHours: got 0; expected hours, a number from 0.01 to 720",
      'c.json:3 alerts.laneStuckMinutes: got "15"; expected minutes, a number from 1 to 1440',
      "c.json:4 alerts.orphanShare: got 5; expected a number from 0.001 to 1",
      "c.json:5 alerts.orphanMinCount: got 1.5; expected an integer from 1 to 1000000",
      `c.json:6 alerts.ignored[0]: got "quota"; expected a kind of alert: ${ALERT_KINDS.join(", ")}`,
      "c.json:7 alerts.webhook: got an unknown field; expected one of repeatHours, laneStuckMinutes, orphanShare, orphanMinCount, ignored",
    ]);
  });
});
