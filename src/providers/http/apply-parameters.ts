import { isOmitted } from "../../models/is-omitted.ts";
import { isAskRefused, leastReasoning } from "../../models/least-reasoning.ts";
import type { ModelFamily, ParameterName, ParameterRule } from "../../models/models-file.ts";
import type { AdjustedParameter, GenerateRequest } from "../provider.ts";

/** What goes onto the wire, and what of it is not as configured. */
export interface AppliedParameters {
  /** Wire name → value. Without a rule that renames it, a parameter has our own name. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Fields of the request that ask for the least reasoning; none: the vendor is told nothing of it. */
  readonly reasoning: Readonly<Record<string, unknown>>;
  readonly adjustedParams: readonly AdjustedParameter[];
}

export const REFUSED_EARLIER = "the vendor refused it earlier";
const NEEDS_EFFORT_NONE = "this model takes it only without reasoning";
const EFFORT = "reasoning_effort";

/** Applies a family's table to one attempt. The only place where parameters are renamed, clamped and dropped. */
export function applyParameters(request: GenerateRequest, family: ModelFamily): AppliedParameters {
  const adjustedParams: AdjustedParameter[] = [];
  const reasoning = askForLeast(request, family, adjustedParams);
  const isOff = family.reasoning?.least === "none" && Object.keys(reasoning).length > 0;
  const values = new Map<string, unknown>();
  for (const [parameter, value] of configured(request)) {
    const reasons = family.reasoning?.samplingNeedsNone === true && !isOff && isSampling(parameter);
    const rule: ParameterRule = reasons ? { drop: NEEDS_EFFORT_NONE } : (family.parameters[parameter] ?? {});
    apply({ parameter, value, rule, request }, values, adjustedParams);
  }
  return { values, reasoning, adjustedParams };
}

/** In the order in which adjustments are told. Zero penalties are what every vendor does anyway, but some refuse even the zero. */
function configured({ parameters }: GenerateRequest): [ParameterName, unknown][] {
  const { maxTokens, temperature, topP, frequencyPenalty, presencePenalty, logitBias, user } = parameters;
  const all: [ParameterName, unknown][] = [
    ["max_tokens", maxTokens],
    ["temperature", temperature],
    ["top_p", topP],
    ["frequency_penalty", frequencyPenalty === 0 ? undefined : frequencyPenalty],
    ["presence_penalty", presencePenalty === 0 ? undefined : presencePenalty],
    ["logit_bias", logitBias === undefined ? undefined : { ...logitBias }],
    ["user", user],
  ];
  return all.filter(([, value]) => value !== undefined);
}

function isSampling(parameter: ParameterName): boolean {
  return parameter !== "max_tokens" && parameter !== "user";
}

function askForLeast(
  { omit }: GenerateRequest,
  { reasoning }: ModelFamily,
  adjustedParams: AdjustedParameter[],
): AppliedParameters["reasoning"] {
  const ask = leastReasoning(reasoning);
  if (reasoning === null || ask === null) return {};
  if (isAskRefused(reasoning, omit)) {
    adjustedParams.push({ parameter: EFFORT, change: "dropped", why: REFUSED_EARLIER });
    return {};
  }
  const why = "reasoning is billed as output and counts against max_tokens";
  adjustedParams.push({ parameter: EFFORT, change: `set to ${reasoning.least}`, why });
  return ask;
}

interface Configured {
  readonly parameter: ParameterName;
  readonly value: unknown;
  readonly rule: ParameterRule;
  readonly request: GenerateRequest;
}

function apply(
  { parameter, value, rule, request }: Configured,
  values: Map<string, unknown>,
  adjustedParams: AdjustedParameter[],
): void {
  const drop = (why: string): void => void adjustedParams.push({ parameter, change: "dropped", why });
  if ("drop" in rule) return drop(rule.drop);
  const name = wireName(parameter, rule, request);
  if (name === null) return drop(REFUSED_EARLIER);
  const sent = parameter === "max_tokens" ? capOf(request, rule, adjustedParams) : clamped(value, rule);
  if (parameter !== "max_tokens" && sent !== value) {
    const change = `changed from ${String(value)} to ${String(sent)}`;
    adjustedParams.push({ parameter, change, why: "the nearest that this model takes" });
  }
  if (name !== parameter) {
    const why = rule.as === name ? "the name that this model takes" : REFUSED_EARLIER;
    adjustedParams.push({ parameter, change: `renamed to ${name}`, why });
  }
  values.set(name, sent);
}

const CAP_NAMES = ["max_tokens", "max_completion_tokens"];

/**
 * The cap's other name is tried when the first was refused. With both refused it is sent all the same, and refused
 * again: without any cap an answer could cost anything.
 */
function wireName(
  parameter: ParameterName,
  { as = parameter }: { as?: string | undefined },
  request: GenerateRequest,
): string | null {
  if (!isOmitted(as, request.omit)) return as;
  if (parameter !== "max_tokens") return null;
  return CAP_NAMES.find((name) => !isOmitted(name, request.omit)) ?? as;
}

function clamped(
  value: unknown,
  { min = -Infinity, max = Infinity }: { min?: number | undefined; max?: number | undefined },
): unknown {
  return typeof value === "number" ? Math.min(max, Math.max(min, value)) : value;
}

/** See `GenerateRequest.capTokens`: what is more than was configured is there for the reasoning. */
function capOf(
  { parameters: { maxTokens }, capTokens, isRecovery }: GenerateRequest,
  rule: { max?: number | undefined },
  adjustedParams: AdjustedParameter[],
): number {
  const cap = Math.min(capTokens, rule.max ?? capTokens);
  if (cap !== maxTokens) {
    const raised = isRecovery
      ? "the last answer was cut off before any text"
      : "reasoning counts against it, and comes on top";
    const [change, why] = cap > maxTokens ? ["raised", raised] : ["lowered", "the most that this model writes"];
    adjustedParams.push({ parameter: "max_tokens", change: `${change} from ${maxTokens} to ${cap}`, why });
  }
  return cap;
}
