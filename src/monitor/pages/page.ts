import type { Html } from "../../platform/html.ts";
import type { Role } from "../access/roles.ts";
import type { MonitorSystem } from "../system.ts";

/** What a page is asked for. */
export interface PageRequest {
  /** Of its path: `/results/:id`. Decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly role: Role;
  /** Epoch ms. */
  readonly now: number;
}

export interface PageContent {
  readonly title: string;
  readonly main: Html;
  /** Default: 200. */
  readonly status?: number;
}

/** A page that follows by itself: it is rendered again and again while somebody looks at it. */
export interface Page {
  /** As fastify and URLPattern take it. */
  readonly path: string;
  render(request: PageRequest, system: MonitorSystem): Promise<PageContent>;
}
