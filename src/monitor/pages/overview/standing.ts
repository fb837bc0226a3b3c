import { html, NOTHING, type Html } from "../../../platform/html.ts";
import { duration } from "../../../platform/numbers.ts";
import type { OperatorPause } from "../../../queue/operator-pauses.ts";
import { pauseWords } from "../../../storage/pause-words.ts";
import { button } from "../parts.ts";
import type { Here } from "../here.ts";
import type { Overview } from "./read-overview.ts";

/** Everything that wants a person, the most pressing first; or that nothing does. */
export function standing(overview: Overview, here: Here): Html {
  const { readiness, alerts, pausedKeys } = overview;
  const { now } = here;
  const lines = [
    ...everythingPaused(overview, here),
    ...readiness.problems.map((problem) => line(inCode(problem), isOnlyNew(overview))),
    ...alerts.alerts.map(({ severity, message, sinceAt }) =>
      line(
        html`${inCode(message)} <small aria-hidden="true">for ${duration(now - sinceAt)}</small>`,
        severity === "warning",
      ),
    ),
    ...(alerts.webhookProblem === null ? [] : [line(html`Alerts cannot be sent: ${inCode(alerts.webhookProblem)}`)]),
    // What there is an alert of is told already.
    ...pausedKeys
      .filter(({ name }) => !alerts.alerts.some(({ subject }) => subject === name))
      .map(({ name, why, untilAt }) => line(html`Key ${name} is paused: ${inCode(pauseWords(why, untilAt - now))}`)),
    ...otherPauses(overview, here),
  ];
  const list =
    lines.length === 0
      ? html`<p class="fine">Everything runs: jobs are taken, and no provider is paused.</p>`
      : html`<div role="status" aria-atomic="false">
          <ul class="problems">
            ${lines}
          </ul>
        </div>`;
  return html`${list}${pauseAll(overview, here)}`;
}

function line(words: Html, isWarning = false): Html {
  return html`<li class="${isWarning ? "warning" : ""}">${words}</li>`;
}

/** Messages name commands as `puppet-engine worker`. */
function inCode(message: string): Html {
  const parts = message.split(/`([^`]+)`/);
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}`;
}

/** No worker, and nothing that one would do: whoever looks here for the first time has not done anything wrong. */
function isOnlyNew({ readiness, lanes }: Overview): boolean {
  const waits = lanes.some(({ counts }) => counts.waiting + counts.active + counts.delayed > 0);
  return readiness.workers === 0 && readiness.problems.length === 1 && !waits;
}

function everythingPaused({ pauses }: Overview, { role, now, from }: Here): Html[] {
  const all = pauses.find(({ what }) => what === "all");
  if (all === undefined) return [];
  const words = html`Everything is paused by an operator
    <span aria-hidden="true">for ${duration(now - all.sinceAt)}</span>: no call begins.
    ${button(role, { action: "/resume", label: "Resume everything", fields: { all: "yes", from } })}`;
  return [line(words, true)];
}

function otherPauses(overview: Overview, { role, now, from }: Here): Html[] {
  return overview.pauses.flatMap((pause) => {
    if (pause.what === "all") return [];
    const about = nameOf(pause, overview);
    const resume = button(role, {
      action: "/resume",
      label: "Resume",
      about,
      fields: { [pause.what]: pause.name, from },
    });
    return [
      line(
        html`${about} is paused by an operator
          <span aria-hidden="true">for ${duration(now - pause.sinceAt)}</span> ${resume}`,
        true,
      ),
    ];
  });
}

function pauseAll({ pauses }: Overview, { role, from }: Here): Html {
  if (pauses.some(({ what }) => what === "all")) return NOTHING;
  return button(role, {
    action: "/pause",
    label: "Pause everything",
    fields: { all: "yes", from },
    question: "Begin no more calls, in no lane? Calls under way end as they do.",
  });
}

function nameOf(pause: Exclude<OperatorPause, { what: "all" }>, { lanes }: Overview): string {
  if (pause.what === "provider") return `Provider ${pause.name}`;
  return `Lane ${lanes.find(({ lane }) => lane.name === pause.name)?.lane.chain ?? pause.name}`;
}
