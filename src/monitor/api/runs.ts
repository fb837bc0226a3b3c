import { z } from "zod";
import type { BulkRun } from "../../job/bulk-run.ts";
import { retryFailedOfRun } from "../../queue/retry-failed.ts";
import { changeRun, RUN_CHANGES, type RunChange } from "../change-run.ts";
import type { ApiParts, ApiScope } from "./api-scope.ts";
import { idParams } from "./common-schemas.ts";
import { answer, errors, OPERATORS, VIEWERS, writeErrors } from "./route-schemas.ts";
import { beginSchema, runSchema } from "./run-schemas.ts";

const TAGS = ["runs"];

export function unknownRun(id: string): { error: string } {
  return { error: `there is no run ${id}; PUT /api/v1/runs/${id} begins it` };
}

export function registerRuns(scope: ApiScope, parts: ApiParts): void {
  registerReading(scope, parts);
  registerBegin(scope, parts);
  for (const change of RUN_CHANGES) registerChange(scope, parts, change);
  registerRetry(scope, parts);
}

function registerReading(scope: ApiScope, { system: { producer } }: ApiParts): void {
  const list = {
    ...VIEWERS,
    tags: TAGS,
    operationId: "listRuns",
    summary: "The bulk runs",
    description: "Those that were fed or changed in the last 30 days, newest first.",
    response: {
      200: answer("The runs.", z.object({ runs: z.array(runSchema) }).meta({ id: "Runs" })),
      ...errors(),
    },
  };
  scope.get("/runs", { schema: list }, async (_request, reply) => {
    return await reply.send({ runs: [...(await producer.runs.list())] });
  });
  const one = {
    ...VIEWERS,
    tags: TAGS,
    operationId: "readRun",
    summary: "A bulk run",
    description: "How far it is, what it has cost, and when it will be done.",
    params: idParams,
    response: { 200: answer("The run.", runSchema), ...errors(404) },
  };
  scope.get("/runs/:id", { schema: one }, async ({ params: { id } }, reply) => {
    const run = await producer.runs.read(id);
    return run === null ? await reply.status(404).send(unknownRun(id)) : await reply.send(run);
  });
}

function registerBegin(scope: ApiScope, { system: { producer } }: ApiParts): void {
  const schema = {
    ...OPERATORS,
    tags: TAGS,
    operationId: "beginRun",
    summary: "Begin a bulk run",
    description:
      "Jobs are added by `POST /api/v1/jobs/batch` with its id. A run that is there already keeps its counts, and one that " +
      "was done is running again.",
    params: idParams,
    body: beginSchema,
    response: {
      200: answer("It was there already.", runSchema),
      201: answer("It is new.", runSchema),
      ...writeErrors(409),
    },
  };
  scope.put("/runs/:id", { schema }, async ({ params: { id }, body }, reply) => {
    const before = await producer.runs.read(id);
    const conflict = before === null ? null : whyNotBegun(before);
    if (conflict !== null) return await reply.status(409).send({ error: conflict });
    // A request that is sent again without them takes nothing away.
    const { total = before?.total ?? null, agent = before?.agent ?? null } = body;
    await producer.runs.begin({ id, input: null, output: null, total, agent });
    const run = await producer.runs.read(id);
    if (run === null) throw new Error(`run ${id} is gone`);
    return await reply.status(before === null ? 201 : 200).send(run);
  });
}

/** A request that comes twice must not undo what an operator has done meanwhile. */
function whyNotBegun({ id, state, output }: BulkRun): string | null {
  if (output !== null) return `run ${id} belongs to \`puppet-engine bulk\`, which writes ${output}; take another id`;
  if (state === "paused" || state === "cancelled") {
    return `run ${id} is ${state}; POST /api/v1/runs/${id}/resume goes on with it`;
  }
  return null;
}

const CHANGES: Readonly<Record<RunChange, { readonly summary: string; readonly description: string }>> = {
  pause: {
    summary: "Pause a bulk run",
    description: "None of its jobs is called for any more; calls under way end. Other jobs of the same lanes go on.",
  },
  resume: {
    summary: "Go on with a bulk run that was paused or cancelled",
    description: "Jobs that have ended as `cancelled` stay so.",
  },
  cancel: {
    summary: "Cancel a bulk run",
    description: "None of its jobs is called for any more: each ends as `cancelled` as soon as a worker takes it.",
  },
  finish: {
    summary: "Say that a bulk run has all of its jobs",
    description: "It is `done`. Jobs that have no result yet still get it.",
  },
};

const changedSchema = z
  .object({ changed: z.boolean().describe("False: it was so already."), run: runSchema })
  .meta({ id: "ChangedRun" });

function registerChange(scope: ApiScope, { system: { producer } }: ApiParts, word: RunChange): void {
  const schema = {
    ...OPERATORS,
    ...{ tags: TAGS, operationId: `${word}Run`, ...CHANGES[word] },
    params: idParams,
    response: { 200: answer("The run as it is now.", changedSchema), ...writeErrors(404, 409) },
  };
  scope.post(`/runs/:id/${word}`, { schema }, async ({ params: { id } }, reply) => {
    const changed = await changeRun(producer.runs, id, word);
    switch (changed.answer) {
      case "unknown":
        return await reply.status(404).send(unknownRun(id));
      case "refused":
        return await reply.status(409).send({ error: changed.why });
      case "changed":
      case "unchanged":
        return await reply.send({ changed: changed.answer === "changed", run: changed.run });
      default:
        return changed satisfies never;
    }
  });
}

function registerRetry(scope: ApiScope, { system }: ApiParts): void {
  const schema = {
    ...OPERATORS,
    tags: TAGS,
    operationId: "retryFailedOfRun",
    summary: "Run the failed and expired jobs of a bulk run once more",
    description:
      "Under the same ids, with the agent and content that they had. Until a worker takes such a job its earlier result " +
      "stands. Found are the failures that queues keep: of each lane the last 10,000 of a week. A run that was done is " +
      "running again.",
    params: idParams,
    response: {
      200: answer(
        "How many run again.",
        z.object({ retried: z.int().nonnegative(), run: runSchema }).meta({ id: "RetriedRun" }),
      ),
      ...writeErrors(404),
    },
  };
  scope.post("/runs/:id/retry-failed", { schema }, async ({ params: { id } }, reply) => {
    if ((await system.producer.runs.read(id)) === null) return await reply.status(404).send(unknownRun(id));
    const retried = await retryFailedOfRun(id, system);
    const run = await system.producer.runs.read(id);
    return run === null ? await reply.status(404).send(unknownRun(id)) : await reply.send({ retried, run });
  });
}
