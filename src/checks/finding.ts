/** One line of the report of `puppet-engine check`. */
export interface Finding {
  /** `error`: something will not work. `warning`: doubtful. `ok`: looked at and fine. */
  readonly level: "ok" | "warning" | "error";
  readonly area: "configuration" | "agents" | "schedules" | "keys" | "models" | "Redis" | "providers";
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string;
}
