import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import type { FastifyInstance } from "fastify";

const OWN = new URL("./assets/", import.meta.url);

/** Everything that pages load, by name: a few files of ours and of two libraries. They are in memory: 130 KB. */
const FILES = {
  "icon.svg": new URL("icon.svg", OWN),
  "charts.js": new URL("charts.js", OWN),
  "follow.js": new URL("follow.js", OWN),
  "forms.js": new URL("forms.js", OWN),
  "freshness.js": new URL("freshness.js", OWN),
  "monitor.css": new URL("monitor.css", OWN),
  "monitor.js": new URL("monitor.js", OWN),
  "notices.js": new URL("notices.js", OWN),
  "show.js": new URL("show.js", OWN),
  "idiomorph.min.js": beside("idiomorph", "idiomorph.min.js"),
  "uPlot.iife.min.js": beside("uplot", "uPlot.iife.min.js"),
  "uPlot.min.css": beside("uplot", "uPlot.min.css"),
} as const satisfies Readonly<Record<string, URL>>;

/** A file of a package, in the folder of the one that is imported from it. */
function beside(name: string, file: string): URL {
  return new URL(file, import.meta.resolve(name));
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

interface Asset {
  readonly name: string;
  readonly type: string;
  readonly content: Buffer;
}

const ASSETS: readonly Asset[] = Object.entries(FILES).map(([name, file]) => ({
  name,
  type: TYPES[extname(name)] ?? "",
  content: readFileSync(file),
}));

/** A new version has new addresses; files of one version find each other. */
const VERSION = ASSETS.reduce((hash, { content }) => hash.update(content), createHash("sha256"))
  .digest("hex")
  .slice(0, 12);

/** Where a page finds a file. */
export function assetPath(name: keyof typeof FILES): string {
  return `/assets/${VERSION}/${name}`;
}

const A_YEAR_SECONDS = 365 * 24 * 3600;
const OPEN = { config: { access: "open" as const } };

/** They are open: the page that asks for the token needs them as well. */
export function registerAssets(server: FastifyInstance): void {
  for (const { name, type, content } of ASSETS) {
    server.get<{ Params: { version: string } }>(`/assets/:version/${name}`, OPEN, async ({ params }, reply) => {
      // Another monitor may be of another version: nobody keeps ours under its address.
      const isOurs = params.version === VERSION;
      const cacheControl = isOurs ? `public, max-age=${A_YEAR_SECONDS}, immutable` : "no-store";
      return await reply.header("cache-control", cacheControl).type(type).send(content);
    });
  }
}
