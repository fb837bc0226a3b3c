import type { JobState } from "../../../storage/job-state.ts";
import type { Health } from "../parts.ts";

export const STATUS_HEALTH: Readonly<Record<JobState["status"], Health>> = {
  succeeded: "good",
  held: "warn",
  failed: "bad",
  expired: "bad",
  cancelled: "idle",
  waiting: "idle",
  calling: "good",
};
