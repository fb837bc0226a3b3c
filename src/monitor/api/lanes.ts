import { z } from "zod";
import { InvalidInputError } from "../../platform/problem.ts";
import { strictObject } from "../../platform/zod-faults.ts";
import type { Lane } from "../../queue/lane.ts";
import { readLaneStates, type LaneCounts, type LaneState } from "../../queue/lane-states.ts";
import { pauseTarget, readOperatorPauses, resumeTarget, type PauseTarget } from "../../queue/operator-pauses.ts";
import { readPauseTarget } from "../../queue/pause-target.ts";
import type { MonitorSystem } from "../system.ts";
import type { ApiParts, ApiScope } from "./api-scope.ts";
import { epochMs, type ShapeOf } from "./common-schemas.ts";
import { pauseSchema } from "./pause-schemas.ts";
import { answer, errors, OPERATORS, VIEWERS, writeErrors } from "./route-schemas.ts";

const TAGS = ["lanes"];

type LaneAnswer = Lane & Omit<LaneState, "lane">;

const count = z.int().nonnegative();

const laneSchema: z.ZodType<LaneAnswer> = z
  .object({
    name: z.string().describe("The queue's name; in addresses it is percent-encoded."),
    chain: z.string().describe("The models that its jobs are written by, in order."),
    counts: z.object({
      waiting: count,
      active: count,
      delayed: count.describe("For a retry, for a slot in a limit, or until something is resumed."),
      failed: count.describe("Of the last week, 10,000 at most."),
    } satisfies ShapeOf<LaneCounts>),
    oldestAt: epochMs.nullable().describe("When the job that is next was enqueued; null: none waits."),
    isPaused: z.boolean().describe("No job is taken: of operators' pauses, or one of Bull Board."),
    operatorPauses: z.array(pauseSchema).describe("Those that it could call; with another provider left it goes on."),
  } satisfies ShapeOf<LaneAnswer>)
  .meta({ id: "Lane" });

const changedSchema = z
  .object({
    changed: z.boolean().describe("False: it was so already."),
    operatorPauses: z.array(pauseSchema).describe("All that are in force now."),
  })
  .meta({ id: "ChangedPauses" });

export function registerLanes(scope: ApiScope, { system }: ApiParts): void {
  const list = {
    ...VIEWERS,
    tags: TAGS,
    operationId: "listLanes",
    summary: "The lanes",
    description: "Each with its jobs by state, and what is paused. They are there from their first job on.",
    response: {
      200: answer("The lanes.", z.object({ lanes: z.array(laneSchema) }).meta({ id: "Lanes" })),
      ...errors(),
    },
  };
  scope.get("/lanes", { schema: list }, async (_request, reply) => {
    const states = await readLaneStates(system);
    return await reply.send({ lanes: states.map(({ lane, ...state }) => ({ ...lane, ...state })) });
  });
  registerPauses(scope, system, "pause");
  registerPauses(scope, system, "resume");
}

const WORDS = {
  pause: { does: "Pause", how: "No call begins any more, in no worker; calls under way end. Jobs wait meanwhile." },
  resume: { does: "Resume", how: "Goes on." },
} as const;

function registerPauses(scope: ApiScope, system: MonitorSystem, word: keyof typeof WORDS): void {
  const change = word === "pause" ? pauseTarget : resumeTarget;
  const run = async (target: PauseTarget): Promise<z.output<typeof changedSchema>> => ({
    changed: await change(target, system),
    operatorPauses: await readOperatorPauses(system.redis, system.namespace),
  });
  const find = async (target: Parameters<typeof findTarget>[0]) => await findTarget(target, system);
  const { does, how } = WORDS[word];
  const about = (what: string, operationId: string, hint = "") => ({
    ...{ ...OPERATORS, tags: TAGS, operationId, summary: `${does} ${what}`, description: `${how}${hint}` },
  });
  const done = answer("What is paused now.", changedSchema);
  const everything = about(
    "everything",
    word,
    word === "resume" ? " Ends every pause, of lanes and providers as well." : "",
  );
  scope.post(
    `/${word}`,
    { schema: { ...everything, response: { 200: done, ...writeErrors() } } },
    async (_request, reply) => {
      return await reply.send(await run({ what: "all" }));
    },
  );
  const ofLane = {
    ...about("a lane", `${word}Lane`),
    params: laneParams,
    response: { 200: done, ...writeErrors(404) },
  };
  scope.post(`/lanes/:name/${word}`, { schema: ofLane }, async ({ params: { name } }, reply) => {
    const target = await find({ what: "lane", name });
    if ("error" in target) return await reply.status(404).send(target);
    return await reply.send(await run(target));
  });
  const hint = " Lanes that have another provider to call go on with it.";
  const ofProvider = {
    ...about("a provider", `${word}Provider`, hint),
    params: providerParams,
    response: { 200: done, ...writeErrors(404) },
  };
  scope.post(`/providers/:id/${word}`, { schema: ofProvider }, async ({ params: { id } }, reply) => {
    const target = await find({ what: "provider", name: id });
    if ("error" in target) return await reply.status(404).send(target);
    return await reply.send(await run(target));
  });
}

const laneParams = strictObject({ name: z.string().describe("The lane's name, or its chain; percent-encoded.") });
const providerParams = strictObject({ id: z.string().describe("Such as `openai`.") });

/** @returns what there is instead, when there is no such lane or provider */
async function findTarget(
  target: Exclude<PauseTarget, { readonly what: "all" }>,
  system: MonitorSystem,
): Promise<PauseTarget | { readonly error: string }> {
  try {
    return await readPauseTarget(target, system);
  } catch (error) {
    const [problem] = error instanceof InvalidInputError ? error.problems : [];
    if (problem === undefined) throw error;
    return { error: `there is no ${target.what} ${problem.got}; expected ${problem.expected}` };
  }
}
