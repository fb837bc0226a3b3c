import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** Which methods there are, by address. */
export interface KnownRoutes {
  /** @param path without a query */
  methodsAt(path: string): readonly string[];
}

/** Notes every route that is added to the server, or to a scope of it, from now on. */
export function noteRoutes(server: FastifyInstance): KnownRoutes {
  const methods = new Map<string, Set<string>>();
  const patterns = new Map<string, URLPattern>();
  server.addHook("onRoute", ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const name of [method].flat()) known.add(name);
    methods.set(url, known);
  });
  const matches = (route: string, path: string): boolean => {
    const pattern = patterns.get(route) ?? new URLPattern({ pathname: route });
    patterns.set(route, pattern);
    return pattern.test({ pathname: path });
  };
  return {
    methodsAt(path) {
      const found = [...methods].filter(([route]) => matches(route, path)).flatMap(([, known]) => [...known]);
      return [...new Set(found)].sort();
    },
  };
}

/**
 * Sets the status of an answer to what there is not: 405, and what would do, where it is the method that is wrong.
 * @returns what is wrong; `null`: there is nothing at this address
 */
export function refuseMethod(
  { method, url }: FastifyRequest,
  reply: FastifyReply,
  { methodsAt }: KnownRoutes,
): string | null {
  const allowed = methodsAt(url.replace(/[?#].*$/, ""));
  // A folder of files has its route, whatever is in it.
  if (allowed.length === 0 || allowed.includes(method)) {
    void reply.status(404);
    return null;
  }
  void reply.status(405).header("allow", allowed.join(", "));
  return `got ${method}; expected ${allowed.join(" or ")}`;
}
