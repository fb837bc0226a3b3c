export interface Column<Row> {
  readonly head: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => string;
}

/**
 * Without borders, so that a line has room in 100 columns.
 * @param numberGap characters before a column of numbers, at least
 */
export function alignedTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], numberGap = 1): string {
  const cells = columns.map(({ head, cell }) => [head, ...rows.map(cell)]);
  const widths = cells.map((column) => Math.max(...column.map((text) => text.length)));
  const lineAt = (index: number): string =>
    columns
      .map(({ isNumber = false }, column) => {
        const text = cells[column]?.[index] ?? "";
        const width = widths[column] ?? 0;
        return isNumber
          ? `${" ".repeat(numberGap)}${text.padStart(width)}`
          : `${column === 0 ? "" : "  "}${text.padEnd(width)}`;
      })
      .join("");
  return [0, ...rows.map((_, index) => index + 1)].map((index) => lineAt(index).trimEnd()).join("\n");
}
