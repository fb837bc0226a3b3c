// Follows what the page shows, by events or by asking, for as long as somebody can see it.

import { failed, isStill, seen, tell, woke } from "./freshness.js";
import { follow as show } from "./show.js";

const POLL_MS = 5000;
/** A browser that cannot hold a connection open asks instead. */
const MOST_FAILURES = 3;

/** @type {EventSource | null} */
let source = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

export function follow() {
  setInterval(tell, 1000);
  // A browser has six connections for all tabs of an HTTP/1.1 server: a hidden one keeps none.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop("nothing") : start()));
  if (!document.hidden) start();
  tell();
}

function start() {
  stop("events");
  if (isStill()) return stop("nothing");
  woke();
  if (!("EventSource" in globalThis)) return poll();
  let failures = 0;
  const address = encodeURIComponent(location.pathname + location.search);
  source = new EventSource(`/live?page=${address}`);
  source.addEventListener("open", () => (failures = 0));
  source.addEventListener("message", ({ data }) => take(textOf(data)));
  source.addEventListener("same", seen);
  source.addEventListener("trouble", ({ data }) => failed(textOf(data)));
  source.addEventListener("error", () => {
    failures += 1;
    // Closed: the answer was no stream of events, because the session is over or something in between allows none.
    if (source?.readyState === EventSource.CLOSED || failures >= MOST_FAILURES) poll();
  });
}

/** @param {"events" | "polling" | "nothing"} instead */
function stop(instead) {
  source?.close();
  source = null;
  clearTimeout(timer);
  timer = undefined;
  document.documentElement.dataset["follows"] = instead;
}

/** @param {unknown} data */
function textOf(data) {
  return /** @type {string} */ (JSON.parse(/** @type {string} */ (data)));
}

/** @param {string} markup */
function take(markup) {
  show(markup);
  if (isStill()) stop("nothing");
}

function poll() {
  stop("polling");
  const again = () => {
    timer = setTimeout(ask, POLL_MS);
  };
  const ask = () => {
    const own = timer;
    look()
      .catch(() => failed("The monitor cannot be reached"))
      .finally(() => {
        if (own === timer && !isStill()) again();
      });
  };
  again();
}

async function look() {
  const response = await fetch(location.href, { headers: { "x-part": "main" }, redirect: "error" });
  if (response.status === 401) return location.reload();
  const answer = await response.text();
  const failure = new DOMParser().parseFromString(answer, "text/html").querySelector("[data-failed]");
  if (failure !== null || !response.headers.get("content-type")?.startsWith("text/html"))
    failed(failure?.textContent ?? `The monitor answers with an error (${response.status})`);
  else if (!document.hidden) show(answer);
}
