import { parseTree, printParseErrorCode, type Node, type ParseError } from "jsonc-parser";
import { InvalidInputError, type Problem } from "./problem.ts";
import type { FieldFault, FieldPath } from "./field-fault.ts";

/** JSON text whose fields know their line. */
export interface JsonDocument {
  readonly value: unknown;
  /** Fields that one object has twice. `value` holds the last of them. */
  readonly duplicates: readonly FieldFault[];
  /** 1-based line of the field; of the innermost object that exists, if the field does not. */
  readonly lineOf: (path: FieldPath) => number;
}

const MOST_CHARACTERS = 1024 * 1024;
const MOST_SYNTAX_PROBLEMS = 10;

/**
 * Reads JSON with comments and trailing commas; a byte order mark is skipped.
 * @throws InvalidInputError when the text is no JSON
 */
export function parseJsonDocument(source: string, text: string): JsonDocument {
  if (text.length > MOST_CHARACTERS) throw unreadable(source, `${text.length} characters`, "at most 1048576 (1 MiB)");
  try {
    return readDocument(source, text.replace(/^\uFEFF/, ""));
  } catch (error) {
    // The parser, like the walks below, calls itself for every level: thousands of brackets exhaust the stack.
    if (error instanceof RangeError) throw unreadable(source, "thousands of nested levels", "at most 32 levels");
    throw error;
  }
}

function readDocument(source: string, json: string): JsonDocument {
  const errors: ParseError[] = [];
  const root = parseTree(json, errors, { allowTrailingComma: true });
  if (root === undefined || errors.length > 0) throw new InvalidInputError(syntaxProblems(source, json, errors));
  const lineAt = lineCounter(json);
  return {
    value: toValue(root),
    duplicates: findDuplicates(root, lineAt),
    lineOf: (path) => lineAt(nearestNode(root, path).offset),
  };
}

function unreadable(source: string, got: string, expected: string): InvalidInputError {
  return new InvalidInputError([{ source, path: "", got, expected }]);
}

/** The first error of each line: the parser goes on after an error, and what it reports next to it is only an echo. */
function syntaxProblems(source: string, json: string, errors: readonly ParseError[]): Problem[] {
  const lineAt = lineCounter(json);
  const byLine = new Map<number, Problem>();
  for (const error of errors) {
    const line = lineAt(error.offset);
    if (byLine.has(line)) continue;
    byLine.set(line, { source, line, path: "", got: describeToken(json, error), expected: expectedBy(error) });
  }
  return [...byLine.values()].slice(0, MOST_SYNTAX_PROBLEMS);
}

/** Never shows what is inside a string, nor a long word: either may be a secret. */
function describeToken(json: string, { offset, length }: ParseError): string {
  const token = json.slice(offset, offset + length);
  if (token === "") return "the end of the file";
  if (token.startsWith('"')) return "a string";
  return /^(?:[a-z]{1,9}|[\d.+-]{1,9}|[^\w\s])$/i.test(token) ? token : "an unknown word";
}

function expectedBy({ error }: ParseError): string {
  switch (printParseErrorCode(error)) {
    case "PropertyNameExpected":
      return 'a field name in quotation marks, or "}"';
    case "ColonExpected":
      return "a colon before it";
    case "CommaExpected":
      return "a comma before it";
    case "CloseBraceExpected":
      return 'a closing "}"';
    case "CloseBracketExpected":
      return 'a closing "]"';
    case "EndOfFileExpected":
      return "nothing after the first value";
    case "UnexpectedEndOfComment":
      return 'a closing "*/"';
    case "UnexpectedEndOfString":
      return "a closing quotation mark on the same line";
    case "InvalidUnicode":
    case "InvalidEscapeCharacter":
    case "InvalidCharacter":
      return 'a string with valid escapes (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000)';
    default:
      return "a JSON value: an object, a list, a string in quotation marks, a number, true, false or null";
  }
}

/** `Object.fromEntries` makes `__proto__` a field like any other, so that it is found and refused. */
function toValue(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(toValue);
  if (node.type !== "object") return node.value;
  return Object.fromEntries(properties(node).map(({ name, value }) => [name, toValue(value)]));
}

interface Property {
  readonly name: string;
  readonly key: Node;
  readonly value: Node;
}

function properties(node: Node): Property[] {
  return (node.children ?? []).flatMap(({ children }) => {
    const [key, value] = children ?? [];
    return key === undefined || value === undefined ? [] : [{ name: String(key.value), key, value }];
  });
}

function findDuplicates(node: Node, lineAt: LineCounter, path: FieldPath = []): FieldFault[] {
  if (node.type === "array") {
    return (node.children ?? []).flatMap((child, index) => findDuplicates(child, lineAt, [...path, index]));
  }
  if (node.type !== "object") return [];
  const first = new Map<string, Node>();
  return properties(node).flatMap(({ name, key, value }) => {
    const inside = findDuplicates(value, lineAt, [...path, name]);
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, key);
      return inside;
    }
    const got = `a field that line ${lineAt(earlier.offset)} has already`;
    return [{ path: [...path, name], line: lineAt(key.offset), got, expected: "each field once" }, ...inside];
  });
}

/** The last of several equal fields, because its value is the one that counts. */
function nearestNode(root: Node, path: FieldPath): Node {
  let found = root;
  let inside: Node | undefined = root;
  for (const key of path) {
    if (inside === undefined) break;
    if (typeof key === "number") {
      inside = inside.children?.[key];
      found = inside ?? found;
    } else {
      const property: Property | undefined = properties(inside).findLast(({ name }) => name === key);
      found = property?.key ?? found;
      inside = property?.value;
    }
  }
  return found;
}

/** Offset → 1-based physical line, whatever the line breaks are. */
type LineCounter = (offset: number) => number;

function lineCounter(json: string): LineCounter {
  const lineBreaks = Array.from(json.matchAll(/\r\n|\r|\n/g));
  const starts = [0, ...lineBreaks.map((lineBreak) => lineBreak.index + lineBreak[0].length)];
  return (offset) => starts.findLastIndex((start) => start <= offset) + 1;
}
