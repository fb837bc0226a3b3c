import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** What stands in `deploy/`, as far as tests look at it. */

const DEPLOY = join(import.meta.dirname, "../../deploy");

export interface Expression {
  /** For messages: the alert or the panel. */
  readonly where: string;
  readonly text: string;
}

const panelSchema = z.object({
  title: z.string(),
  type: z.string(),
  targets: z.array(z.object({ expr: z.string() })).optional(),
});
const dashboardSchema = z.object({
  panels: z.array(panelSchema),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.string(), definition: z.string().optional() })),
  }),
});

export const DASHBOARD = dashboardSchema.parse(JSON.parse(read("grafana-dashboard.json")));

export const DASHBOARD_EXPRESSIONS: readonly Expression[] = DASHBOARD.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ where: `panel ${title}`, text: expr })),
);

export interface AlertRule {
  readonly name: string;
  readonly expression: string;
  readonly runbook: string;
}

/** The rules as they are written: one `- alert:` after the other. */
export const ALERT_RULES: readonly AlertRule[] = read("alert-rules.yml")
  .split(/^ +- alert: /m)
  .slice(1)
  .map((text) => ({
    name: /^\w+/.exec(text)?.[0] ?? "",
    expression: /^ +expr: (?:\|\n)?([\s\S]*?)\n +(?:for|labels):/m.exec(text)?.[1] ?? "",
    runbook: /^ +runbook: (\S+)$/m.exec(text)?.[1] ?? "",
  }));

export const ALERT_TESTS = read("alert-rules.test.yml");

function read(file: string): string {
  return readFileSync(join(DEPLOY, file), "utf8");
}
