import { isIP } from "node:net";
import { isLoopback, isPublicAddress, plainHost } from "../../platform/network-address.ts";
import { holdsSecret } from "../../platform/secrets.ts";
import type { Problem } from "../../platform/problem.ts";

export interface NormalizedEndpoint {
  /** Without a trailing slash and without the path of a call; `null` when there are problems. */
  readonly baseUrl: string | null;
  /** What was changed or looks wrong, for the log. */
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

export interface EndpointOptions {
  /** Where the value stands, for problems: `environment` and its variable, or the file and the field. */
  readonly source: string;
  readonly path: string;
  /** What people may write at the end, such as `/chat/completions`; it is taken off. */
  readonly callPath: string;
  /** The operator allows plain http and private addresses. Credentials, fragments and queries stay refused. */
  readonly allowInsecure?: boolean;
}

/** An endpoint as people write it (a base URL, or the full path of the chat completions) as the SDK wants it. */
export function normalizeEndpoint(value: string, options: EndpointOptions): NormalizedEndpoint {
  const written = value.trim();
  const url = URL.parse(written);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    const problem = describeProblem(options, "no http(s) URL", "a URL such as https://api.example.com/v1");
    return { baseUrl: null, notes: [], problems: [problem] };
  }
  // Before anything is said of host or path: both are shown.
  if (holdsSecret(url.origin + url.pathname)) {
    const problem = describeProblem(options, "a URL with what looks like a key (not shown)", KEY_ELSEWHERE);
    return { baseUrl: null, notes: [], problems: [problem] };
  }
  const problems = [
    ...secretProblems(url, options),
    ...(options.allowInsecure === true ? [] : hostProblems(url, written, options)),
  ];
  if (problems.length > 0) return { baseUrl: null, notes: [], problems };
  const whole = url.pathname.replace(/\/+$/, "");
  const { callPath } = options;
  const path = callPath !== "" && whole.endsWith(callPath) ? whole.slice(0, -callPath.length) : whole;
  const baseUrl = url.origin + path.replace(/\/+$/, "");
  return { baseUrl, notes: notesOn(url, { baseUrl, written, ...options }), problems: [] };
}

function describeProblem(
  { source, path }: Pick<EndpointOptions, "source" | "path">,
  got: string,
  expected: string,
): Problem {
  return { source, path, got, expected };
}

const LONGEST_URL = 2000;

const KEY_ELSEWHERE = "the key in its own variable";

/** A key in a URL ends up in logs. The values are not shown. */
function secretProblems({ href, username, password, hash, search }: URL, options: EndpointOptions): Problem[] {
  const problems: Problem[] = [];
  const refuse = (got: string, expected: string): void => void problems.push(describeProblem(options, got, expected));
  if (username !== "" || password !== "") refuse("a URL with credentials", KEY_ELSEWHERE);
  if (hash !== "") refuse("a URL with a fragment (#…)", "a URL without one");
  if (search !== "") refuse("a URL with a query (?…)", "a URL without one");
  if (href.length > LONGEST_URL) refuse(`a URL of ${href.length} characters`, `at most ${LONGEST_URL}`);
  return problems;
}

const ALLOW =
  "an https URL of a public host, http of a loopback host, or a host in trustedEndpointHosts of the configuration file";

export interface HostOptions extends Pick<EndpointOptions, "source" | "path"> {
  /** What is sent there; default: keys. */
  readonly what?: string;
}

/** Also for addresses that are no endpoint of a provider. @param written the URL as it stands where it was found */
export function hostProblems(url: URL, written: string, options: HostOptions): Problem[] {
  const host = plainHost(url.hostname);
  const version = isIP(host);
  // URL turns 2130706433, 0x7f000001 and 0177.1 into the dotted form; only somebody who hides an address writes those.
  if (version === 4 && !written.includes(host)) {
    return [describeProblem(options, `an IP address in disguise (${host})`, "the plain address or a host name")];
  }
  if (isLoopback(host)) return [];
  if ((version !== 0 && !isPublicAddress(host)) || host === "metadata.google.internal") {
    return [describeProblem(options, `the private or link-local address ${host}`, ALLOW)];
  }
  return url.protocol === "http:"
    ? [describeProblem(options, `http to ${host}: ${options.what ?? "keys"} would travel unencrypted`, ALLOW)]
    : [];
}

/** Of this machine or of a private network, as far as the URL itself says it. */
export function isOwnHost(baseUrl: string): boolean {
  const url = URL.parse(baseUrl);
  if (url === null) return false;
  const host = plainHost(url.hostname);
  return isLoopback(host) || (isIP(host) !== 0 && !isPublicAddress(host));
}

function notesOn(
  url: URL,
  { baseUrl, written, path, callPath }: EndpointOptions & { baseUrl: string; written: string },
): string[] {
  const notes: string[] = [];
  if (baseUrl !== written) notes.push(`${path}: used as ${baseUrl}`);
  if (url.hostname === "api.grok.x.com") {
    notes.push(`${path}: no xAI document names the host api.grok.x.com; the documented one is https://api.x.ai/v1`);
  }
  if (baseUrl === url.origin && callPath === "/chat/completions") {
    notes.push(`${path}: ${baseUrl} has no path; most servers expect one such as /v1`);
  }
  return notes;
}
