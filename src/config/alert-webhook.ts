import { hostProblems } from "../providers/http/normalize-endpoint.ts";
import type { ConfigFile } from "./config-file.ts";
import { isTrusted } from "./endpoint-definitions.ts";
import type { EnvironmentReader } from "./environment.ts";
import type { Findings } from "./provider-keys.ts";

/** Where alerts are sent. All of it is secret: who knows the URL may post there. */
export interface AlertWebhook {
  readonly url: string;
  /** Signs what is sent; `null`: nothing is signed. */
  readonly secret: string | null;
}

const URL_VARIABLE = "ALERT_WEBHOOK_URL";
const SECRET_VARIABLE = "ALERT_WEBHOOK_SECRET";

/** A URL with a fault is reported without what it says. */
export function readAlertWebhook(
  read: EnvironmentReader,
  file: ConfigFile,
  { problems, notes }: Findings,
): AlertWebhook | null {
  const written = read.secret(URL_VARIABLE, secretsOfUrl)?.trim();
  const secret = read.secret(SECRET_VARIABLE)?.trim() ?? null;
  if (written === undefined) {
    if (secret !== null) notes.push(`${SECRET_VARIABLE}: not used, because ${URL_VARIABLE} is not set`);
    return null;
  }
  const place = { source: "environment", path: URL_VARIABLE };
  const url = URL.parse(written);
  const fault = faultOf(url);
  if (fault !== null) problems.push({ ...place, ...fault });
  else if (url !== null && !isTrusted(written, file))
    problems.push(...hostProblems(url, written, { ...place, what: "alerts" }));
  return { url: written, secret };
}

/** Its path and its query are the secret of most receivers. */
function secretsOfUrl(written: string): string[] {
  const url = URL.parse(written.trim());
  const parts = url === null ? [] : [url.password, ...`${url.pathname}${url.search}`.split(/[/?&=]/)];
  return [written.trim(), ...parts.filter(({ length }) => length >= LEAST_TOKEN)];
}

/** Shorter parts are words, and stand in other addresses as well. */
const LEAST_TOKEN = 16;

/** Unlike an endpoint's it may have a query: some receivers have their token there. */
function faultOf(url: URL | null): { readonly got: string; readonly expected: string } | null {
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    return { got: "no http(s) URL", expected: "the URL of a webhook, such as https://hooks.example.com/services/…" };
  if (url.username !== "" || url.password !== "")
    return { got: "a URL with a user or password", expected: "a URL without; a secret may be in its path or query" };
  return url.hash === "" ? null : { got: "a URL with a fragment (#…)", expected: "a URL without one" };
}
