import type { FastifyRequest } from "fastify";
import { SESSION_COOKIE } from "./session.ts";

/** What a request brings: a token, the session of a browser, or nothing. */
export type Credentials =
  | { readonly by: "token"; readonly token: string }
  | { readonly by: "session"; readonly session: string }
  | { readonly by: "nothing" };

/** `Authorization: Bearer TOKEN`, or the token as the password of `curl --user`; else a cookie. */
export function credentialsOf(request: FastifyRequest): Credentials {
  const [, scheme = "", rest = ""] = /^(\S+) +(.*)$/.exec(request.headers.authorization ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return { by: "token", token: rest };
  if (scheme.toLowerCase() === "basic") return { by: "token", token: passwordOf(rest) };
  if (request.headers.authorization !== undefined) return { by: "token", token: "" };
  const session = request.cookies[SESSION_COOKIE];
  return session === undefined ? { by: "nothing" } : { by: "session", session };
}

function passwordOf(base64: string): string {
  const pair = Buffer.from(base64, "base64").toString("utf8");
  return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : "";
}
