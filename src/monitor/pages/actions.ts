import type { FastifyInstance, FastifyReply } from "fastify";
import { InvalidInputError, showValue, type Problem } from "../../platform/problem.ts";
import { readPauseTarget } from "../../queue/pause-target.ts";
import { pauseTarget, resumeTarget, type PauseTarget } from "../../queue/operator-pauses.ts";
import { retryFailedOfRun } from "../../queue/retry-failed.ts";
import { changeRun, type RunChange } from "../change-run.ts";
import type { MonitorSystem } from "../system.ts";
import { ownPath } from "./own-path.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the pages' buttons do. Each is a form that is sent, and ends where it came from. */
export function registerActions(server: FastifyInstance, system: MonitorSystem): void {
  const change = (path: string, run: (fields: Fields) => Promise<unknown>): void => {
    server.post(path, async ({ body }, reply) => {
      const fields = (body ?? {}) as Fields;
      await run(fields);
      return await back(reply, fields);
    });
  };
  change("/pause", async (fields) => await pauseTarget(await targetOf(fields, system), system));
  change("/resume", async (fields) => await resumeTarget(await targetOf(fields, system), system));
  for (const word of ["pause", "resume", "cancel"] as const)
    change(`/runs/${word}`, async ({ run }) => await changeOrExplain(run, word, system));
  change("/runs/retry-failed", async ({ run }) => await retryFailedOfRun(textOf(run, "run"), system));
  change("/cancel", async ({ job }) => {
    const id = textOf(job, "job");
    if ((await system.producer.cancel(id)) === "unknown")
      throw refusal("job", id, "the id of a job that is still known");
  });
}

/** To the page that the button is on. */
async function back(reply: FastifyReply, { from }: Fields): Promise<FastifyReply> {
  return await reply.redirect(ownPath(from), 303);
}

async function changeOrExplain(run: unknown, word: RunChange, { producer }: MonitorSystem): Promise<void> {
  const id = textOf(run, "run");
  const changed = await changeRun(producer.runs, id, word);
  if (changed.answer === "unknown") throw refusal("run", id, "the id of a bulk run of the last 30 days");
  if (changed.answer === "refused") throw Object.assign(new Error(changed.why), { statusCode: 409 });
}

/** `lane=NAME`, `provider=ID` or `all=yes`: nothing is paused as a whole by mistake. */
async function targetOf({ lane, provider, all }: Fields, system: MonitorSystem): Promise<PauseTarget> {
  if (all === "yes") return { what: "all" };
  if (provider !== undefined)
    return await readPauseTarget({ what: "provider", name: textOf(provider, "provider") }, system);
  return await readPauseTarget({ what: "lane", name: textOf(lane, "lane") }, system);
}

function textOf(value: unknown, field: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw refusal(field, value, "a name");
}

function refusal(path: string, got: unknown, expected: string): InvalidInputError {
  const problem: Problem = { source: "request", path, got: showValue(got), expected };
  return new InvalidInputError([problem]);
}
