import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

export interface AccessOptions {
  /** `null`: everybody who reaches the address may look. */
  readonly token: string | null;
  /** Host names that requests may be addressed to, without port: what protects against DNS rebinding. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** Probes know no token, and learn nothing that one would protect. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/** Refuses requests that were sent to another host, that come from another site, or that bring no token. */
export function guardAccess(server: FastifyInstance, options: AccessOptions): void {
  server.addHook("onRequest", async (request, reply) => {
    if (OPEN_PATHS.has(request.url.split("?", 1)[0] ?? "")) return;
    if (!options.allowedHosts.has(hostNameOf(request))) {
      return await reply.status(421).send({ error: "this host name is not served here; see MONITOR_ALLOWED_HOSTS" });
    }
    if (isWrite(request) && isCrossSite(request)) {
      return await reply.status(403).send({ error: "writes from other sites are refused" });
    }
    if (options.token !== null && !hasToken(request, options.token)) return await askForToken(reply);
  });
}

function hostNameOf({ headers }: FastifyRequest): string {
  return (headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
}

function isWrite({ method }: FastifyRequest): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

/** Browsers say where a request comes from in one header or the other; programs send neither. */
function isCrossSite({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  if (headers.origin === undefined) return false;
  return URL.parse(headers.origin)?.host !== headers.host;
}

/** As `Authorization: Bearer TOKEN`, or as the password of a browser's own dialogue. */
function hasToken({ headers }: FastifyRequest, token: string): boolean {
  const [scheme = "", credentials = ""] = (headers.authorization ?? "").split(" ", 2);
  if (scheme.toLowerCase() === "bearer") return isSame(credentials, token);
  if (scheme.toLowerCase() !== "basic") return false;
  const pair = Buffer.from(credentials, "base64").toString("utf8");
  return isSame(pair.slice(pair.indexOf(":") + 1), token);
}

/** In constant time, whatever the lengths. */
function isSame(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

async function askForToken(reply: FastifyReply): Promise<FastifyReply> {
  const challenge = 'Basic realm="Puppet Engine monitor: any user, the token as password", charset="UTF-8"';
  return await reply.status(401).header("www-authenticate", challenge).send({ error: "a token is needed" });
}
