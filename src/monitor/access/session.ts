import { createHmac } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import { isSame, type AccessTokens, type Role } from "./roles.ts";

/** Sent back by the browser with every request; scripts cannot read it, and other sites cannot cause it to be sent. */
export const SESSION_COOKIE = "puppet_session";
export const COOKIE_OPTIONS = { path: "/", httpOnly: true, sameSite: "strict" } as const;

/** A working day. */
export const SESSION_MS = 12 * 3600_000;

/** Sessions of browsers: `<role>.<end, epoch ms>.<signature>`. Nothing is stored: any number of monitors know them. */
export interface Sessions {
  open(role: Role): string;
  /** `null`: it is over, or not one of ours. */
  read(value: string): Role | null;
}

/**
 * Signed with the role's own token: when it changes, its sessions are over, and a viewer's cookie tells nothing of the
 * operators' token.
 */
export function createSessions(tokens: AccessTokens, clock: Pick<Clock, "now">): Sessions {
  const keyOf = (role: Role): Buffer =>
    createHmac("sha256", "puppet-engine monitor session")
      .update(tokens[role] ?? "")
      .digest();
  const keys: Readonly<Record<Role, Buffer>> = { operator: keyOf("operator"), viewer: keyOf("viewer") };
  const sign = (claim: string, role: Role): string =>
    createHmac("sha256", keys[role]).update(claim).digest("base64url");
  return {
    open(role) {
      const claim = `${role}.${clock.now() + SESSION_MS}`;
      return `${claim}.${sign(claim, role)}`;
    },
    read(value) {
      const [, claim = "", name, endsAt = "", signature = ""] =
        /^((viewer|operator)\.(\d{1,15}))\.([\w-]+)$/.exec(value) ?? [];
      const role = name === "operator" ? "operator" : "viewer";
      // A role without a token is nobody's.
      if (tokens[role] === null || !isSame(signature, sign(claim, role))) return null;
      return Number(endsAt) > clock.now() ? role : null;
    },
  };
}
