import { html, type Html } from "../../platform/html.ts";
import { moment } from "./parts.ts";

const DAY_MS = 24 * 3600_000;

/** `5 min ago · 16:44 UTC`; with the date when it is not of the last day: what is told elsewhere is told by the clock. */
export function clockMoment(at: number, now: number): Html {
  const [date, time = ""] = new Date(at).toISOString().split("T");
  const day = Math.abs(now - at) < DAY_MS ? "" : `${date} `;
  return html`${moment(at, now)} <span class="clock">· ${day}${time.slice(0, 5)} UTC</span>`;
}
