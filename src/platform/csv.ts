/** What a cell holds. `null`: it is empty. */
export type CsvCell = string | number | null;

/**
 * A table as RFC 4180 has it: CRLF, quotation marks where they are needed. Texts that a spreadsheet would take for a formula
 * begin with an apostrophe.
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function formatCsv(rows: readonly (readonly CsvCell[])[]): string {
  return rows.map((row) => `${row.map(formatCell).join(",")}\r\n`).join("");
}

const FORMULA = /^[=+\-@\t\r]/;

function formatCell(cell: CsvCell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
