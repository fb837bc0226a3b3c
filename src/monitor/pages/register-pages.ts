import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { html } from "../../platform/html.ts";
import { wantsPage, type Gate } from "../access/guard-access.ts";
import { registerAssets } from "../assets.ts";
import { answerOf } from "../errors.ts";
import { refuseMethod, type KnownRoutes } from "../no-route.ts";
import type { MonitorSystem } from "../system.ts";
import { registerActions } from "./actions.ts";
import { renderDocument } from "./document.ts";
import { registerLive } from "./live.ts";
import { registerLogin } from "./login.ts";
import { overviewPage } from "./overview/overview-page.ts";
import type { Page, PageContent } from "./page.ts";
import { createRenderer } from "./render-pages.ts";
import { jobPage } from "./results/job-page.ts";
import { resultsPage } from "./results/results-page.ts";
import { runsPage } from "./runs/runs-page.ts";
import { usagePage } from "./usage/usage-page.ts";

export interface PagesOptions {
  readonly system: MonitorSystem;
  readonly gate: Gate;
  readonly routes: KnownRoutes;
}

const PAGES: readonly Page[] = [overviewPage, usagePage, runsPage, resultsPage, jobPage];

/** Stricter than Bull Board needs: no inline style either. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';base-uri 'none';" +
  "form-action 'self';frame-ancestors 'none'";

const HTML = "text/html; charset=utf-8";

/** What people look at. Everything works without script, and follows by itself with it. */
export async function registerPages(server: FastifyInstance, { system, gate, routes }: PagesOptions): Promise<void> {
  server.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  server.addHook("onRequest", async (_request, reply) => {
    void reply.header("content-security-policy", CONTENT_SECURITY_POLICY);
  });
  const send = async (request: FastifyRequest, reply: FastifyReply, content: PageContent): Promise<FastifyReply> => {
    const { title, main, status = 200 } = content;
    // What the script asks for when it cannot follow by events.
    if (request.headers["x-part"] === "main") return await reply.status(status).type(HTML).send(main.markup);
    const { role } = request;
    const parts = { title, main, role, path: pathOf(request.url), needsToken: gate.needsToken };
    return await reply.status(status).type(HTML).send(renderDocument(parts));
  };
  server.setErrorHandler(async (error, request, reply) => await send(request, reply, failure(error, system)));
  server.setNotFoundHandler(async (request, reply) => {
    if (wantsPage(request)) return await send(request, reply, notFound());
    const wrong =
      refuseMethod(request, reply, routes) ?? `there is nothing at ${request.method} ${pathOf(request.url)}`;
    return await reply.send({ error: wrong });
  });
  registerAssets(server);
  registerLogin(server, gate);
  const renderer = createRenderer(PAGES, system);
  for (const { path } of PAGES) {
    server.get(path, async (request, reply) => {
      const page = renderer.find(request.url, request.role ?? "viewer");
      if (page === null) return await send(request, reply, notFound());
      return await send(request, reply, await page());
    });
  }
  // Where the field on the page of results leads: a form cannot write what is entered into a path.
  server.get("/job", async ({ query }, reply) => {
    const { id } = query as { id?: unknown };
    const path = typeof id === "string" && id.trim() !== "" ? `/${encodeURIComponent(id.trim())}` : "";
    return await reply.redirect(`/results${path}`, 303);
  });
  registerLive(
    server,
    (address, role) => {
      const page = renderer.shared(address, role);
      return page === null ? null : async () => (await page()).main.markup;
    },
    system,
  );
  registerActions(server, system);
}

function pathOf(url: string): string {
  return url.replace(/[?#].*$/, "");
}

function notFound(): PageContent {
  return {
    title: "Not found",
    status: 404,
    main: html`<h1>Not found</h1>
      <p>There is no such page. <a href="/">To the overview</a></p>`,
  };
}

function failure(error: unknown, { redis }: MonitorSystem): PageContent {
  const { status, error: message } = answerOf(error, redis);
  const title = status === 503 ? "Not available" : status < 500 ? "That cannot be done" : "Something went wrong";
  // What was wrongly asked for stays wrong.
  const kind = status < 500 ? html`data-still` : html`data-failed`;
  return {
    title,
    status,
    main: html`<h1>${title}</h1>
      <p class="problem" role="alert" ${kind}>${message}</p>`,
  };
}
