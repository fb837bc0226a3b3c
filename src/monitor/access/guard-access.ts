import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../platform/clock.ts";
import { credentialsOf, type Credentials } from "./credentials.ts";
import { isEmbedded, isWrite, originOf } from "./cross-site.ts";
import { createGuesses, type Guesses } from "./guesses.ts";
import { hostNameOf } from "./hosts.ts";
import { needsToken, roleOfToken, type AccessTokens, type Role } from "./roles.ts";
import { COOKIE_OPTIONS, SESSION_COOKIE, SESSION_MS, createSessions, type Sessions } from "./session.ts";

export interface AccessOptions {
  readonly tokens: AccessTokens;
  /** Nobody is an operator, whatever token is brought. */
  readonly readOnly: boolean;
  /** Host names that requests may be addressed to, without port: what protects against DNS rebinding. */
  readonly allowedHosts: ReadonlySet<string>;
  readonly clock: Clock;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * Who may come here. Default: viewers read, operators write. `open`: whoever reaches the address. `probe`: that, by any
     * host name: probes know no token and go by address, and learn nothing that one would protect.
     */
    readonly access?: "open" | "probe";
  }
  interface FastifyRequest {
    /** `null`: nobody has asked for one. */
    role: Role | null;
  }
}

/** Why somebody is not let in. */
export type Refusal = { readonly status: 401 } | { readonly status: 429; readonly waitMs: number };

export interface Gate {
  /** Checks a token that was entered, and counts the wrong ones. */
  enter(token: string, address: string): Promise<Role | Refusal>;
  openSession(role: Role, request: FastifyRequest, reply: FastifyReply): void;
  closeSession(reply: FastifyReply): void;
  /** Whether there is anything to enter. */
  readonly needsToken: boolean;
}

/** Where people are sent that bring nothing. */
const LOGIN_PATH = "/login";

/** Refuses requests that were sent to another host, that come from another site, or that bring no token that will do. */
export function guardAccess(server: FastifyInstance, options: AccessOptions): Gate {
  const hosts = new Set([...options.allowedHosts].map(hostNameOf));
  const sessions = createSessions(options.tokens, options.clock);
  const gate = createGate(options, sessions, createGuesses());
  server.decorateRequest("role", null);
  server.addHook("onRequest", async (request, reply) => {
    // Texts, tokens and what is refused: nothing that a cache should keep. Assets say otherwise.
    void reply.header("cache-control", "no-store");
    const { access } = request.routeOptions.config;
    if (access === "probe") return;
    if (!hosts.has(hostNameOf(request.headers.host ?? ""))) {
      return await reply.status(421).send({ error: "this host name is not served here; see MONITOR_ALLOWED_HOSTS" });
    }
    if (isEmbedded(request)) {
      return await reply.status(403).send({ error: "requests of other sites are refused" });
    }
    const credentials = credentialsOf(request);
    if (isWrite(request) && !isTrusted(request, credentials)) {
      return await reply.status(403).send({ error: "writes from other sites are refused" });
    }
    const role = await roleOf(request, credentials, { ...options, gate, sessions });
    if (typeof role === "string") request.role = role;
    if (access === "open") return;
    if (typeof role !== "string") return await refuse(request, reply, role);
    if (isWrite(request) && role !== "operator") {
      // The page's own error handler shows it as a page.
      if (wantsPage(request)) throw Object.assign(new Error(whyNot(options)), { statusCode: 403 });
      return await reply.status(403).send({ error: whyNot(options) });
    }
  });
  return gate;
}

/** A browser sends cookies by itself: then it must say as well that it was our page that asked. */
function isTrusted(request: FastifyRequest, { by }: Credentials): boolean {
  const origin = originOf(request);
  return by === "session" ? origin === "same" : origin !== "other";
}

function whyNot({ readOnly }: AccessOptions): string {
  return readOnly ? "this monitor is read-only (--read-only)" : "viewers change nothing; MONITOR_TOKEN does";
}

async function roleOf(
  request: FastifyRequest,
  credentials: Credentials,
  { tokens, readOnly, gate, sessions }: AccessOptions & { readonly gate: Gate; readonly sessions: Sessions },
): Promise<Role | Refusal> {
  if (!needsToken(tokens)) return readOnly ? "viewer" : "operator";
  switch (credentials.by) {
    case "token":
      return await gate.enter(credentials.token, request.ip);
    case "session": {
      const role = sessions.read(credentials.session);
      return role === null ? { status: 401 } : atMost(role, readOnly);
    }
    case "nothing":
      return { status: 401 };
  }
}

function atMost(role: Role, readOnly: boolean): Role {
  return readOnly ? "viewer" : role;
}

function createGate({ tokens, readOnly }: AccessOptions, sessions: Sessions, guesses: Guesses): Gate {
  return {
    needsToken: needsToken(tokens),
    async enter(token, address) {
      const role = roleOfToken(token, tokens);
      // Not awaited in between: a request of the same moment must find this one counted.
      const waitMs = await (role === null ? guesses.failed(address) : guesses.blockedMs(address));
      if (waitMs > 0) return { status: 429, waitMs };
      return role === null ? { status: 401 } : atMost(role, readOnly);
    },
    openSession(role, { headers }, reply) {
      // TLS ends in front of us; the browser says what it sees.
      const secure = headers.origin?.startsWith("https:") === true;
      const options = { ...COOKIE_OPTIONS, secure, maxAge: SESSION_MS / 1000 };
      void reply.setCookie(SESSION_COOKIE, sessions.open(role), options);
    },
    closeSession: (reply) => void reply.clearCookie(SESSION_COOKIE, COOKIE_OPTIONS),
  };
}

/** Browsers ask for one, programs do not. */
export function wantsPage({ headers }: Pick<FastifyRequest, "headers">): boolean {
  return (headers.accept ?? "").includes("text/html");
}

/** People are shown where to log in; programs are told. */
async function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): Promise<FastifyReply> {
  if (refusal.status === 429) {
    const seconds = Math.ceil(refusal.waitMs / 1000);
    const error = `too many wrong tokens from this address; try again in ${seconds} s`;
    return await reply.status(429).header("retry-after", seconds).send({ error });
  }
  const isPage = request.method === "GET" && wantsPage(request);
  if (isPage && request.headers.authorization === undefined) {
    return await reply.redirect(`${LOGIN_PATH}?next=${encodeURIComponent(request.url)}`, 303);
  }
  const challenge = 'Bearer realm="Puppet Engine monitor"';
  return await reply.status(401).header("www-authenticate", challenge).send({ error: "a token is needed" });
}
