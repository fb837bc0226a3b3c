import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

export interface AccessOptions {
  /** `null`: everybody who reaches the address may look. */
  readonly token: string | null;
  /** Host names that requests may be addressed to, without port: what protects against DNS rebinding. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** Probes know no token, and learn nothing that one would protect. */
const OPEN_ROUTES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/** Refuses requests that were sent to another host, that come from another site, or that bring no token. */
export function guardAccess(server: FastifyInstance, { token, allowedHosts }: AccessOptions): void {
  const hosts = new Set([...allowedHosts].map(hostNameOf));
  server.addHook("onRequest", async (request, reply) => {
    if (OPEN_ROUTES.has(request.routeOptions.url ?? "")) return;
    if (!hosts.has(hostNameOf(request.headers.host ?? ""))) {
      return await reply.status(421).send({ error: "this host name is not served here; see MONITOR_ALLOWED_HOSTS" });
    }
    if (isWrite(request) && isCrossSite(request)) {
      return await reply.status(403).send({ error: "writes from other sites are refused" });
    }
    if (token !== null && !hasToken(request, token)) return await askForToken(reply);
  });
}

const BARE_IPV6 = /^[\da-f]*:[\da-f]*:[\da-f:.]*$/;

/** Without port, in lower case; `::1` is how settings write what a Host header calls `[::1]`. */
function hostNameOf(host: string): string {
  const name = host.toLowerCase();
  return BARE_IPV6.test(name) ? `[${name}]` : name.replace(/:\d+$/, "");
}

function isWrite({ method }: FastifyRequest): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

/** Browsers say where a request comes from in one header or the other; programs send neither. */
function isCrossSite({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  if (headers.origin === undefined) return false;
  return URL.parse(headers.origin)?.host !== headers.host?.toLowerCase();
}

/** As `Authorization: Bearer TOKEN`, or as the password of a browser's own dialogue. */
function hasToken({ headers }: FastifyRequest, token: string): boolean {
  const [, scheme = "", credentials = ""] = /^(\S+) +(.*)$/.exec(headers.authorization ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return isSame(credentials, token);
  if (scheme.toLowerCase() !== "basic") return false;
  const pair = Buffer.from(credentials, "base64").toString("utf8");
  return pair.includes(":") && isSame(pair.slice(pair.indexOf(":") + 1), token);
}

/** In constant time, whatever the lengths. Nothing is the same as an empty token, which a secret's empty file gives. */
function isSame(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token)) && token !== "";
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

async function askForToken(reply: FastifyReply): Promise<FastifyReply> {
  const challenge = 'Basic realm="Puppet Engine monitor: any user, the token as password", charset="UTF-8"';
  return await reply.status(401).header("www-authenticate", challenge).send({ error: "a token is needed" });
}
