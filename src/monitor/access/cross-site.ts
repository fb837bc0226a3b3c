import type { FastifyRequest } from "fastify";

/** `same`: our own page, or a person who typed the address. `unknown`: a program; browsers always tell. */
export type Origin = "same" | "other" | "unknown";

/**
 * Browsers say where a request comes from in one header or the other, and scripts can change neither. The first wins: our
 * referrer policy makes browsers send `Origin: null` with a form.
 * @see https://fetch.spec.whatwg.org/#append-a-request-origin-header
 */
export function originOf({ headers }: Pick<FastifyRequest, "headers">): Origin {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none" ? "same" : "other";
  if (headers.origin === undefined) return "unknown";
  return URL.parse(headers.origin)?.host === headers.host?.toLowerCase() ? "same" : "other";
}

/**
 * Another site has put it into a page of its own, as a picture, say: it sees nothing of the answer, and must not cost
 * anything either. Links from elsewhere are fine.
 */
export function isEmbedded({ headers }: Pick<FastifyRequest, "headers">): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== "cross-site" && site !== "same-site") return false;
  return headers["sec-fetch-mode"] !== "navigate" || headers["sec-fetch-dest"] === "iframe";
}

export function isWrite({ method }: Pick<FastifyRequest, "method">): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}
