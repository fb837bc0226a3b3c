import type { Role } from "../access/roles.ts";
import type { MonitorSystem } from "../system.ts";
import type { Page, PageContent } from "./page.ts";

/** Everybody who follows the same page shares a look until so long after it was had. */
const SHARED_MS = 1000;

/** Renders pages; those that many people follow are rendered once. */
export function createRenderer(pages: readonly Page[], system: MonitorSystem) {
  const patterns = pages.map((page) => ({ page, pattern: new URLPattern({ pathname: page.path }) }));
  const looks = new Map<string, Promise<PageContent>>();
  const find = (address: string, role: Role): (() => Promise<PageContent>) | null => {
    const url = address.startsWith("/") ? URL.parse(address, "http://monitor") : null;
    const found = patterns.find(({ pattern }) => url?.host === "monitor" && pattern.test(url));
    if (url === null || found === undefined) return null;
    const { groups = {} } = found.pattern.exec(url)?.pathname ?? {};
    const params = Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(value ?? "")]));
    const query = url.searchParams;
    return async () => await found.page.render({ params, query, role, now: system.clock.now() }, system);
  };
  /** @returns `null`: there is no such page */
  const shared = (address: string, role: Role): (() => Promise<PageContent>) | null => {
    const render = find(address, role);
    if (render === null) return null;
    return async () => {
      const key = `${role} ${address}`;
      const known = looks.get(key);
      if (known !== undefined) return await known;
      const look = render();
      looks.set(key, look);
      const forget = (): void => void looks.delete(key);
      look.then(() => setTimeout(forget, SHARED_MS).unref(), forget);
      return await look;
    };
  };
  // Who asks has perhaps just changed something; who follows has not.
  return { find, shared };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
