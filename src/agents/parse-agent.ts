import { InvalidInputError } from "../platform/problem.ts";
import { agentFileSchema, whatIsWrongWithText, type AgentFile } from "./agent-schema.ts";
import type { Agent } from "./agent.ts";
import { buildSystemPrompt } from "./build-prompt.ts";
import { findChainFaults } from "./chain-rules.ts";
import { compileAgent, type CompileOptions } from "./compile-agent.ts";
import { formatPath, isRecord, toProblems, type FaultPlace, type FieldFault } from "../platform/field-fault.ts";
import { parseJsonDocument } from "../platform/json-document.ts";
import { zodFaults } from "../platform/zod-faults.ts";
import { isNestedTooDeeply } from "../platform/refused-names.ts";
import { findRefusedContent } from "./refused-content.ts";

export interface ParsedAgent {
  readonly agent: Agent;
  /** What was left out of the file, one line each, for people. */
  readonly notes: string[];
}

/** Fields of the original system's other parts. They may hold secrets, so nothing of them is read or kept. */
const FOREIGN_FIELDS = new Set(["twitter_credentials", "solana_integration", "agent_kit_integration", "behavior"]);

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
  return { agent: compileAgent(file, options), notes: foreignFieldNotes(document) };
}

function withoutForeignFields(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !FOREIGN_FIELDS.has(name)));
}

function foreignFieldNotes({ source, value, lineOf }: AgentDocument): string[] {
  const names = isRecord(value) ? Object.keys(value).filter((name) => FOREIGN_FIELDS.has(name)) : [];
  return names.map((name) => {
    const line = lineOf([name]);
    const place = line === undefined ? source : `${source}:${line}`;
    return `${place} ${name}: ignored and not kept; it belongs to another part of Puppet Engine`;
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
  const refused = findRefusedContent(value);
  const refusedPaths = new Set(refused.map(({ path }) => formatPath(path)));
  const issues = parsed.error === undefined ? [] : zodFaults(parsed.error, value);
  const wrongFields = issues.filter(({ path }) => !refusedPaths.has(formatPath(path)));
  const promptFaults = parsed.success ? findPromptFaults(parsed.data) : [];
  return {
    file: parsed.data,
    faults: [...refused, ...wrongFields, ...findChainFaults(value, options), ...promptFaults],
  };
}

/** Many texts, each within its limit, can still make too long a prompt; relationships are checked only here. */
function findPromptFaults(file: AgentFile): FieldFault[] {
  const wrong = whatIsWrongWithText(buildSystemPrompt(file));
  if (wrong === undefined) return [];
  const place = "in the prompt made of description, personality, style_guide and initial_memory";
  return [{ path: [], got: `${wrong.got ?? "something"} ${place}`, expected: wrong.expected }];
}
