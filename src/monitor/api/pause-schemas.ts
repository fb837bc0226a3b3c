import { z } from "zod";
import type { OperatorPause } from "../../queue/operator-pauses.ts";
import { epochMs } from "./common-schemas.ts";

const sinceAt = epochMs;

export const pauseSchema: z.ZodType<OperatorPause> = z
  .union([
    z.object({ what: z.literal("all"), sinceAt }),
    z.object({ what: z.literal("provider"), name: z.string(), sinceAt }),
    z.object({ what: z.literal("lane"), name: z.string(), sinceAt }),
  ])
  .meta({ id: "OperatorPause", description: "What an operator has paused." });
