import type { Problem } from "../platform/problem.ts";
import type { RedisAddress } from "../platform/redis.ts";

const EXPECTED = "redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT/DB or unix:///PATH";

/** Reads REDIS_URL. What it holds is never shown: there may be a password in it. */
export function parseRedisUrl(written: string): RedisAddress | Problem {
  const value = written.trim();
  if (value.startsWith("unix://")) {
    const path = value.slice("unix://".length);
    return path.startsWith("/") ? { path } : problem("a socket without an absolute path");
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined) return problem("something that does not start with redis://");
  if (scheme !== "redis" && scheme !== "rediss") return problem(`a URL that starts with ${scheme}://`);
  const url = URL.parse(value);
  if (url === null || url.hostname === "") return problem("a URL whose host or port cannot be read");
  if (!isDecodable(url.username) || !isDecodable(url.password))
    return problem("a user or password with a % that is no escape (write %25 for %)");
  if (!/^\/?\d*$/.test(url.pathname)) return problem("a database that is no number");
  return { url: value };
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
