// Sends the buttons of a page without leaving it.

import { sending } from "./freshness.js";
import { complain, withdraw } from "./notices.js";
import { main, show } from "./show.js";

const LONG_MS = 1000;
const UNREACHABLE = "The monitor cannot be reached; nothing was changed that it has not heard of.";

/** @type {WeakSet<HTMLFormElement>} */
const busy = new WeakSet();

export function sendForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
    event.preventDefault();
    if (busy.has(form)) return;
    const question = form.dataset["confirm"];
    if (question === undefined || confirm(question)) void send(form, event.submitter);
  });
}

/** A filter opens a new page: the focus goes to where it was in the old one. */
export function keepFocusOfFilters() {
  const name = sessionStorage.getItem("filter");
  sessionStorage.removeItem("filter");
  const filters = main.querySelector("form.filters");
  if (name !== null && filters instanceof HTMLFormElement) {
    const field = name === "" ? null : filters.elements.namedItem(name);
    (field instanceof HTMLElement ? field : filters.querySelector("button"))?.focus();
  }
  filters?.addEventListener("submit", () => {
    sessionStorage.setItem("filter", document.activeElement?.getAttribute("name") ?? "");
  });
}

/**
 * A button that is disabled would lose the focus.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} button
 */
async function send(form, button) {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
  busy.add(form);
  button?.setAttribute("aria-disabled", "true");
  const timer = setTimeout(() => sending(true), LONG_MS);
  try {
    const leaves = form.dataset["leaves"] !== undefined;
    const headers = leaves ? {} : { "x-part": "main" };
    const response = await fetch(form.action, { method: "POST", body, headers });
    await (leaves ? leave(response) : stay(response));
  } catch {
    complain(UNREACHABLE);
  } finally {
    clearTimeout(timer);
    sending(false);
    busy.delete(form);
    button?.removeAttribute("aria-disabled");
  }
}

/** @param {Response} response */
async function leave(response) {
  if (response.ok) return location.assign(response.url);
  const next = parse(await response.text()).getElementById("main");
  if (next === null) return complain(`The monitor answers with an error (${response.status})`);
  main.replaceChildren(...next.childNodes);
  const first = main.querySelector("[autofocus]");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {Response} response */
async function stay(response) {
  if (response.status === 401) return location.reload();
  const answer = await response.text();
  if (!response.ok) return complain(reasonOf(response, answer));
  withdraw();
  show(answer);
}

/**
 * @param {Response} response
 * @param {string} answer
 */
function reasonOf({ headers, status }, answer) {
  const unknown = `The monitor answers with an error (${status})`;
  if (headers.get("content-type")?.startsWith("application/json"))
    return /** @type {{ error?: string }} */ (JSON.parse(answer)).error ?? unknown;
  return parse(answer).querySelector(".problem")?.textContent ?? unknown;
}

/** @param {string} markup */
function parse(markup) {
  return new DOMParser().parseFromString(markup, "text/html");
}
