import type { FastifyInstance } from "fastify";
import { html, NOTHING, type Html } from "../../platform/html.ts";
import type { Gate, Refusal } from "../access/guard-access.ts";
import { GUESSES_PER_MINUTE } from "../access/guesses.ts";
import { renderDocument } from "./document.ts";
import { ownPath } from "./own-path.ts";

/** Whoever reaches the address may send it. */
const MOST_BODY_BYTES = 8192;
const OPEN = { config: { access: "open" as const } };

/** Where people enter a token, and leave again. */
export function registerLogin(server: FastifyInstance, gate: Gate): void {
  server.get("/login", OPEN, async (request, reply) => {
    const next = ownPath((request.query as { next?: unknown }).next);
    if (request.role !== null) return await reply.redirect(next, 303);
    return await reply.type("text/html; charset=utf-8").send(loginPage(next, null));
  });
  server.post("/login", { ...OPEN, bodyLimit: MOST_BODY_BYTES }, async (request, reply) => {
    const { token, next } = (request.body ?? {}) as { token?: unknown; next?: unknown };
    const role = gate.needsToken
      ? await gate.enter(typeof token === "string" ? token : "", request.ip)
      : (request.role ?? "viewer");
    if (typeof role === "string") {
      gate.openSession(role, request, reply);
      return await reply.redirect(ownPath(next), 303);
    }
    if (role.status === 429) void reply.header("retry-after", Math.ceil(role.waitMs / 1000));
    return await reply
      .status(role.status)
      .type("text/html; charset=utf-8")
      .send(loginPage(ownPath(next), role));
  });
  server.post("/logout", OPEN, async (_request, reply) => {
    gate.closeSession(reply);
    return await reply.redirect("/login", 303);
  });
}

function loginPage(next: string, refusal: Refusal | null): string {
  const main = html`<h1>Log in</h1>
    ${refusal === null ? NOTHING : complaint(refusal)}
    <form method="post" action="/login" class="login" data-leaves>
      <input type="hidden" name="next" value="${next}" />
      <label for="token">Token</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
      <p class="hint"><code>MONITOR_TOKEN</code> for operators, <code>MONITOR_VIEWER_TOKEN</code> for viewers.</p>
      <button>Log in</button>
    </form>`;
  return renderDocument({ title: "Log in", path: "/login", main, role: null, needsToken: true });
}

function complaint(refusal: Refusal): Html {
  const text =
    refusal.status === 429
      ? `More than ${GUESSES_PER_MINUTE} wrong tokens a minute: try again in ${Math.ceil(refusal.waitMs / 1000)} s.`
      : "That is not the token.";
  return html`<p class="problem" role="alert">${text}</p>`;
}
