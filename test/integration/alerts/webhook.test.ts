import { describe, expect, it } from "vitest";
import { alertMessage, createWebhook, signatureOf, type SendOutcome } from "../../../src/alerts/webhook.ts";
import { drip, hang, huge, notHttp } from "../../support/misbehaving-answers.ts";
import { startRecordedServer, type Answer } from "../../support/recorded-server.ts";
import { OK } from "./watching.ts";

const MESSAGE = alertMessage({
  ...({ id: "a1.1", alertId: "a1", kind: "key-refused", subject: "openai#1a2b3c4d", severity: "critical" } as const),
  ...{ state: "firing", message: "the vendor refuses it", namespace: "puppet", details: {}, sinceAt: "", sentAt: "" },
});
const TOKEN = "canary-token";

async function send(answer: Answer, timeoutMs = 5000): Promise<SendOutcome> {
  await using receiver = await startRecordedServer(answer);
  await using webhook = createWebhook({ url: `${receiver.baseUrl}/${TOKEN}`, secret: TOKEN, timeoutMs });
  const outcome = await webhook.send(MESSAGE, new AbortController().signal);
  expect(receiver.calls, "nothing is repeated, no redirect is followed").toHaveLength(1);
  expect(JSON.stringify(outcome)).not.toContain(TOKEN);
  return outcome;
}

const status = (code: number, headers: Readonly<Record<string, string>> = {}): Answer => ({
  response: { status: code, headers, bodyText: "canary-token" },
});

describe("a webhook", () => {
  it("gets the message as JSON, signed where there is a secret", async () => {
    await using receiver = await startRecordedServer(OK);
    await using webhook = createWebhook({ url: `${receiver.baseUrl}/hook?sig=1`, secret: null });
    await using signing = createWebhook({ url: receiver.baseUrl, secret: "s" });
    const { signal } = new AbortController();
    expect(await webhook.send(MESSAGE, signal)).toEqual({ ok: true, status: 200 });
    expect(await signing.send(MESSAGE, signal)).toEqual({ ok: true, status: 200 });
    const [plain, signed] = receiver.calls;
    expect(plain).toMatchObject({ method: "POST", url: "/v1/hook?sig=1", body: MESSAGE });
    expect(plain?.headers).not.toHaveProperty("x-puppet-signature");
    expect(signed?.headers["x-puppet-signature"]).toBe(signatureOf(signed?.bodyText ?? "", "s"));
    // What `printf '{}' | openssl dgst -sha256 -hmac s` prints.
    expect(signatureOf("{}", "s")).toBe("sha256=143ca8d517ba1b181025d732b1cf275d90104fca57bb02a565542978aa18c4b6");
  });

  it.each<[string, Answer]>([
    ["204", status(204)],
    ["200 and a body that never ends", drip],
    ["200 and 50 MB", huge({ announced: false })],
    ["200 and says that 50 MB come", huge({ announced: true })],
  ])("has taken it when it answers %s", async (_, answer) => {
    expect(await send(answer, 300)).toMatchObject({ ok: true });
  });

  it.each<[string, Answer, RegExp]>([
    ["does not answer", hang, /^the receiver did not answer within 0\.2 s$/],
    ["does not speak HTTP", notHttp, /^what answered does not speak HTTP/],
    [
      "answers 301",
      status(301, { location: "/elsewhere" }),
      /^the receiver answered 301, a redirect: set ALERT_WEBHOOK_URL/,
    ],
    ["answers 400", status(400), /^the receiver answered 400: it does not take this body/],
    ["answers 403", status(403), /^the receiver answered 403: it does not let us in/],
    ["answers 404", status(404), /^the receiver answered 404: there is no such webhook/],
    ["answers 503", status(503), /^the receiver answered 503: it has trouble of its own/],
  ])("that %s has not, and that is told without the URL or what it said", async (_, answer, problem) => {
    expect(await send(answer, 200)).toEqual({ ok: false, problem: expect.stringMatching(problem) as string });
  });

  it("is left when the process ends", async () => {
    await using receiver = await startRecordedServer(hang);
    await using webhook = createWebhook({ url: receiver.baseUrl, secret: null });
    const stop = new AbortController();
    const sending = webhook.send(MESSAGE, stop.signal);
    await receiver.seen(1);
    stop.abort();
    expect(await sending).toEqual({ ok: false, problem: "it was broken off, because this process ends" });
  });
});
