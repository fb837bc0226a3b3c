import type { Admission } from "../admission/admission.ts";
import type { Clock } from "../platform/clock.ts";
import type { WorkCounters } from "./work-counters.ts";

/** The same gates; how long calls wait at them, and which ones are not let through, is counted. */
export function measureAdmission(
  admission: Admission,
  work: WorkCounters,
  clock: Pick<Clock, "monotonicMs">,
): Admission {
  return {
    ...admission,
    async admit(request) {
      const reply = await admission.admit(request);
      const { provider, model } = request.intent;
      if (reply.answer === "unavailable" || reply.answer === "refused")
        work.count("notAdmitted", { provider, model, reason: reply.why });
      return reply;
    },
    async awaitSlot(grant, signal) {
      const { provider, model } = grant.intent;
      const grantedMs = clock.monotonicMs();
      const answer = await admission.awaitSlot(grant, signal);
      work.observe("slotWait", { provider, model }, clock.monotonicMs() - grantedMs);
      return answer;
    },
  };
}
