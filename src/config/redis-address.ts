import type { Problem } from "../platform/problem.ts";
import { findTlsFault, type RedisTls } from "../platform/redis-tls.ts";
import { readNodesUrl } from "../platform/redis-url.ts";
import type { RedisAccess, RedisAddress } from "../platform/redis.ts";
import type { EnvironmentReader } from "./environment.ts";

const EXPECTED = [
  "redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT/DB, redis+sentinel://HOST:PORT,HOST:PORT/MASTER",
  "redis+cluster://HOST:PORT,HOST:PORT or unix:///PATH",
].join(", ");

/** Whatever is longer is no protocol, but perhaps a password. */
const LONGEST_SCHEME = 8;

/** Reads REDIS_URL. What it holds is never shown: there may be a password in it. */
export function parseRedisUrl(written: string, access: RedisAccess): RedisAddress | Problem {
  const value = written.trim();
  if (value.startsWith("unix://")) {
    const path = value.slice("unix://".length);
    return path.startsWith("/") ? { path } : problem("a socket without an absolute path");
  }
  const fault = faultOf(value);
  return fault === null ? { url: value, ...access } : problem(fault);
}

function faultOf(value: string): string | null {
  const nodes = readNodesUrl(value);
  if (nodes !== null) return "fault" in nodes ? nodes.fault : null;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined) return "something that does not start with redis://";
  if (scheme !== "redis" && scheme !== "rediss")
    return scheme.length > LONGEST_SCHEME ? "a URL of another protocol" : `a URL that starts with ${scheme}://`;
  const url = URL.parse(value);
  if (url === null || url.hostname === "") return "a URL whose host or port cannot be read";
  if (!isDecodable(url.username) || !isDecodable(url.password))
    return "a user or password with a % that is no escape (write %25 for %)";
  return /^\/?\d*$/.test(url.pathname) ? null : "a database that is no number";
}

/** What of it nobody may see: the password, as it stands there and as it is sent. */
export function passwordsOf(written: string): string[] {
  const password = /^[a-z+]+:\/\/[^/]*?:(.*)@/i.exec(written.trim())?.[1] ?? "";
  return isDecodable(password) ? [password, decodeURIComponent(password)] : [password];
}

function problem(got: string): Problem {
  return { source: "environment", path: "REDIS_URL", got, expected: EXPECTED };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const TLS_VARIABLES = { ca: "REDIS_TLS_CA", cert: "REDIS_TLS_CERT", key: "REDIS_TLS_KEY" } as const;

/** Certificates, and the login of sentinels. */
export function readRedisAccess(read: EnvironmentReader, problems: Problem[]): RedisAccess {
  const tls: RedisTls = Object.fromEntries(
    Object.entries(TLS_VARIABLES).flatMap(([field, variable]) => {
      // Certificates may be seen by anybody.
      const pem = read.secret(variable, field === "key" ? undefined : () => []);
      return pem === undefined ? [] : [[field, pem]];
    }),
  );
  const fault = findTlsFault(tls);
  if (fault !== null) {
    const path = `${TLS_VARIABLES[fault.field]}_FILE`;
    problems.push({ source: "environment", path, got: fault.got, expected: EXPECTED_TLS[fault.field] });
  }
  const username = read("REDIS_SENTINEL_USERNAME");
  const password = read.secret("REDIS_SENTINEL_PASSWORD");
  const sentinel = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
  return {
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(Object.keys(sentinel).length > 0 && { sentinel }),
  };
}

const EXPECTED_TLS = {
  ca: "a file with the certificate of the authority that has signed that of Redis, in PEM format",
  cert: "a file with the certificate of this client in PEM format, and REDIS_TLS_KEY_FILE",
  key: "a file with the key to REDIS_TLS_CERT_FILE in PEM format",
} as const;

/** Reads where Redis is; `null`: nobody says. */
export function readRedisAddress(
  read: EnvironmentReader,
  access: RedisAccess,
  problems: Problem[],
): RedisAddress | null {
  const written = read.secret("REDIS_URL", passwordsOf);
  if (written === undefined) return null;
  const parsed = parseRedisUrl(written, access);
  if ("got" in parsed) {
    problems.push(parsed);
    return null;
  }
  // Whoever names certificates believes that nobody can listen.
  if (access.tls !== undefined && !("url" in parsed && /^rediss/i.test(parsed.url))) {
    problems.push({
      ...problem("a Redis without TLS, and certificates for it"),
      expected: "rediss:// or rediss+…://, or no REDIS_TLS_… variables",
    });
  }
  return parsed;
}
