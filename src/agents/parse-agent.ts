import { InvalidInputError } from "../platform/problem.ts";
import { agentFileSchema, whatIsWrongWithText, type AgentFile } from "./agent-schema.ts";
import type { Agent } from "./agent.ts";
import { buildSystemPrompt } from "./system-prompt.ts";
import { linksOf } from "./chain-links.ts";
import { findChainFaults } from "./chain-rules.ts";
import { compileAgent, type CompileOptions } from "./compile-agent.ts";
import {
  formatPath,
  isRecord,
  refusedFirst,
  toProblems,
  type FaultPlace,
  type FieldFault,
} from "../platform/field-fault.ts";
import { parseJsonDocument } from "../platform/json-document.ts";
import { zodFaults } from "../platform/zod-faults.ts";
import { isNestedTooDeeply } from "../platform/refused-names.ts";
import { findModelFaults } from "./model-rules.ts";
import { findRefusedContent } from "./refused-content.ts";
import { compileSchedule, findScheduleFaults } from "../schedules/schedule-file.ts";
import type { Schedule } from "../schedules/schedule.ts";
import { describeRetiredUse, retireModels, type RetiredUse } from "./retire-models.ts";

export interface ParsedAgent {
  readonly agent: Agent;
  /** No part of the agent: jobs run the same snapshot whenever they are enqueued. `null`: it has none. */
  readonly schedule: Schedule | null;
  /** What was left out of the file, one line each, for people. */
  readonly notes: string[];
  readonly retired: readonly NotedUse[];
}

/** With a line for people. */
export interface NotedUse extends RetiredUse {
  readonly note: string;
}

/** Fields of the original system's other parts. They may hold secrets, so nothing of them is read or kept. */
const FOREIGN_FIELDS = new Set(["twitter_credentials", "solana_integration", "agent_kit_integration"]);
/** The one field of its `behavior` that is ours. */
const POST_FREQUENCY = "post_frequency";

/**
 * Reads the text of an agent file: JSON, in which comments and trailing commas are fine.
 * @param source the file's name, as messages show it
 * @throws InvalidInputError with every problem and its line
 */
export function parseAgent(source: string, text: string, options: CompileOptions): ParsedAgent {
  return readAgent({ source, ...parseJsonDocument(source, text) }, options);
}

/**
 * Reads an agent that is an object already; the same rules as for a file.
 * @param source what messages call it, e.g. `agent`
 * @throws InvalidInputError with every problem
 */
export function parseAgentObject(source: string, value: unknown, options: CompileOptions): ParsedAgent {
  return readAgent({ source, value, duplicates: [], lineOf: () => undefined }, options);
}

interface AgentDocument extends FaultPlace {
  readonly value: unknown;
  readonly duplicates: readonly FieldFault[];
}

function readAgent(document: AgentDocument, options: CompileOptions): ParsedAgent {
  const value = withoutForeignFields(document.value);
  const { file, faults } = isNestedTooDeeply(value) ? TOO_DEEP : checkFile(value, options);
  const problems = toProblems([...document.duplicates, ...faults], document);
  if (file === undefined || problems.length > 0) throw new InvalidInputError(problems);
  const { agent, uses, notes } = retireModels(compileAgent(file, options), options);
  return {
    agent,
    schedule: compileSchedule(file),
    notes: [...foreignFieldNotes(document), ...notes.map((note) => `${document.source}: ${note}`)],
    retired: uses.map((use) => ({ ...use, note: `${placeOf(use, document)}: ${describeRetiredUse(use)}` })),
  };
}

/** Where the file names the model; the file alone, where it is the default one. */
function placeOf({ member }: RetiredUse, { source, value, lineOf }: AgentDocument): string {
  const link = linksOf(value)[member];
  if (link?.config["model"] === undefined) return source;
  const path = [...link.path, "model"];
  return `${placeOfField(source, lineOf(path))} ${formatPath(path)}`;
}

function placeOfField(source: string, line: number | undefined): string {
  return line === undefined ? source : `${source}:${line}`;
}

function withoutForeignFields(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const { behavior, ...own } = Object.fromEntries(Object.entries(value).filter(([name]) => !FOREIGN_FIELDS.has(name)));
  if (!isRecord(behavior) || behavior[POST_FREQUENCY] === undefined) return own;
  return { ...own, behavior: { [POST_FREQUENCY]: behavior[POST_FREQUENCY] } };
}

function foreignFieldNotes({ source, value, lineOf }: AgentDocument): string[] {
  return foreignPaths(value).map((path) => {
    const place = placeOfField(source, lineOf(path));
    return `${place} ${formatPath(path)}: ignored and not kept; it belongs to another part of Puppet Engine`;
  });
}

function foreignPaths(value: unknown): string[][] {
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    if (FOREIGN_FIELDS.has(name)) return [[name]];
    if (name !== "behavior") return [];
    if (!isRecord(field) || field[POST_FREQUENCY] === undefined) return [[name]];
    return Object.keys(field).flatMap((inside) => (inside === POST_FREQUENCY ? [] : [[name, inside]]));
  });
}

interface CheckedFile {
  /** Absent when single fields are wrong. */
  readonly file: AgentFile | undefined;
  readonly faults: readonly FieldFault[];
}

const TOO_DEEP: CheckedFile = {
  file: undefined,
  faults: [{ path: [], got: "more than 32 nested levels", expected: "at most 32 levels" }],
};

/** Every check runs whatever the others found, so that all faults are reported at once. */
function checkFile(value: unknown, options: CompileOptions): CheckedFile {
  const parsed = agentFileSchema(options.knownProviders).safeParse(value);
  const refused = [...findRefusedContent(value), ...findModelFaults(value, options)];
  const wrongFields = parsed.error === undefined ? [] : zodFaults(parsed.error, value);
  const scheduleFaults = findScheduleFaults(value);
  const promptFaults = parsed.success ? findPromptFaults(parsed.data) : [];
  return {
    file: parsed.data,
    faults: [
      ...refusedFirst(refused, wrongFields),
      ...findChainFaults(value, options),
      ...scheduleFaults,
      ...promptFaults,
    ],
  };
}

/** Many texts, each within its limit, can still make too long a prompt; relationships are checked only here. */
function findPromptFaults(file: AgentFile): FieldFault[] {
  const wrong = whatIsWrongWithText(buildSystemPrompt(file));
  if (wrong === undefined) return [];
  const place = "in the prompt made of description, personality, style_guide and initial_memory";
  return [{ path: [], got: `${wrong.got ?? "something"} ${place}`, expected: wrong.expected }];
}
