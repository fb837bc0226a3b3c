import { format, resolveConfig } from "prettier";
import { DOORS, type Case, type Door, type Row } from "./matrix-types.ts";

const HEAD = `# Bad inputs

What is wrong is refused where it comes in, before anything is enqueued or paid. A message reads
\`file:line path: got X; expected Y\`; all faults are told together, and no secret is ever shown. This page is made of the
cases that the tests run (\`test/faults/bad-inputs\`): each \`✓\` is what was tried, and what was said to it; \`—\` is why such
an input cannot come in by this door. In what is said, \`…\` stands for any text.

- **agent file**: the folder of agents, for any command
- **library**: \`createProducer\`, with agents and jobs as objects
- **CLI**: the words of a command line
- **HTTP**: the monitor's API
- **CSV**, **JSONL**: files for \`puppet-engine bulk\`
- **environment**: variables, \`.env\`, mounted files and the configuration file

How it ends: the [exit code](../README.md#exit-codes), the HTTP status, or what a library call throws.
`;

/** The page that shows the matrix. */
export async function describeMatrix(matrix: readonly Row[]): Promise<string> {
  const parts = [HEAD, "## Overview", overview(matrix), ...matrix.map(section)];
  const options = await resolveConfig("docs/bad-inputs.md");
  return await format(parts.join("\n\n"), { ...options, parser: "markdown" });
}

function overview(matrix: readonly Row[]): string {
  const lines = matrix.map(({ input, expected, cells }) => [
    `[${cell(input)}](#${anchor(input)})`,
    cell(expected),
    ...DOORS.map((door) => (typeof cells[door] === "string" ? "—" : "✓")),
  ]);
  return table(["Input", "Expected", ...DOORS], lines);
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
    .replaceAll(" ", "-");
}

function section({ input, expected, cells }: Row): string {
  const tried = DOORS.flatMap((door) => rowsOf(door, cells[door]));
  return [`## ${input}`, `Expected: ${expected}.`, table(["Door", "Given", "Ends with", "Says"], tried)].join("\n\n");
}

function rowsOf(door: Door, content: Row["cells"][Door]): string[][] {
  if (typeof content === "string") return [[`${door} —`, cell(content), "", ""]];
  return content.map((one, index) => [index === 0 ? `${door} ✓` : "", given(one), String(one.ends), said(one)]);
}

function given(one: Case): string {
  return looksLikeCode(one.given) ? code(one.given) : cell(one.given);
}

function said({ says }: Case): string {
  return says.map(code).join("<br>");
}

function looksLikeCode(text: string): boolean {
  return /^[{["]|^[A-Z_]+=|\n|^(?:GET|POST|PATCH|DELETE) |^(?:enqueue?|bulk|usage|worker|compare|monitor|models) /.test(
    text,
  );
}

/** In a table's cell; backticks of its own are kept. */
function code(text: string): string {
  const line = text.trimEnd().replaceAll("\n", "⏎").replaceAll("\0", "␀").replaceAll("\uFEFF", "");
  const shown = cell(shorten(line));
  return shown.includes("`") ? `\`\` ${shown} \`\`` : `\`${shown}\``;
}

/** Repetitions of one character are named. */
function shorten(text: string): string {
  return text.replace(/x{50,}/g, (all) => `xxx[${all.length}]`);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...lines.map(line)].join("\n");
}
