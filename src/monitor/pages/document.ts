import { html, NOTHING, type Html } from "../../platform/html.ts";
import type { Role } from "../access/roles.ts";
import { assetPath } from "../assets.ts";

export interface DocumentParts {
  readonly title: string;
  /** Of the page, to mark it in the navigation. */
  readonly path: string;
  readonly main: Html;
  /** `null`: nobody is logged in. */
  readonly role: Role | null;
  /** Whether there is anything to log out of. */
  readonly needsToken: boolean;
}

const NAVIGATION = [
  ["/", "Overview"],
  ["/usage", "Usage and cost"],
  ["/runs", "Runs and schedules"],
  ["/results", "Results"],
  ["/board", "Bull Board"],
] as const;

/** A whole page. Scripts and styles are files of ours; nothing is inline. */
export function renderDocument({ title, path, main, role, needsToken }: DocumentParts): string {
  return `<!doctype html>${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Puppet Engine</title>
        <link rel="icon" href="${assetPath("icon.svg")}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assetPath("uPlot.min.css")}" />
        <link rel="stylesheet" href="${assetPath("monitor.css")}" />
        <script src="${assetPath("idiomorph.min.js")}" defer></script>
        <script src="${assetPath("uPlot.iife.min.js")}" defer></script>
        <script src="${assetPath("monitor.js")}" type="module"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <p class="brand">Puppet Engine</p>
          <p id="freshness"><span role="status"></span><span aria-hidden="true"></span></p>
          ${role === null ? NOTHING : navigation(path)} ${role === null ? NOTHING : account(role, needsToken)}
        </header>
        <div id="notice" role="alert"></div>
        <div id="offer"></div>
        <main id="main" tabindex="-1">${main}</main>
      </body>
    </html>`.markup
  }`;
}

function navigation(path: string): Html {
  const isHere = (target: string): boolean => (target === "/" ? path === "/" : path.startsWith(target));
  return html`<nav aria-label="Pages">
    <ul>
      ${NAVIGATION.map(([target, name]) =>
        isHere(target)
          ? html`<li><a href="${target}" aria-current="page">${name}</a></li>`
          : html`<li><a href="${target}">${name}</a></li>`,
      )}
    </ul>
  </nav>`;
}

function account(role: Role, needsToken: boolean): Html {
  const logout = needsToken
    ? html`<form method="post" action="/logout" data-leaves><button class="quiet">Log out</button></form>`
    : NOTHING;
  return html`<div class="account">
    <span title="${role === "viewer" ? "sees everything, changes nothing" : "may change things"}">${role}</span>
    ${logout}
  </div>`;
}
