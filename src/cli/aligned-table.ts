export interface Column<Row> {
  readonly head: string;
  /** Numbers are aligned to the right. */
  readonly isNumber?: boolean;
  /** May be cut where the table is too wide otherwise. */
  readonly mayBeCut?: boolean;
  readonly cell: (row: Row) => string;
}

/** Spaces before a column. */
export interface Gaps {
  readonly text: number;
  readonly number: number;
}

/** What a small terminal shows in a line. */
export const WIDEST_LINE = 100;

interface Layout {
  readonly columns: readonly Required<Omit<Column<never>, "cell" | "head">>[];
  /** The heads, and then the rows. */
  readonly cells: readonly (readonly string[])[];
  readonly gaps: Gaps;
}

/** Without borders, so that a line has room in 100 columns: gaps shrink for that, and then what may be cut is cut. */
export function alignedTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], gaps: Gaps): string {
  const layout: Layout = {
    columns: columns.map(({ isNumber = false, mayBeCut = false }) => ({ isNumber, mayBeCut })),
    cells: [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cell(row)))],
    gaps,
  };
  return draw(widthOf(layout) <= WIDEST_LINE ? layout : narrowed({ ...layout, gaps: { text: 1, number: 1 } }));
}

/** How wide the table is where nothing is made narrower. */
export function tableWidth<Row>(rows: readonly Row[], columns: readonly Column<Row>[], gaps: Gaps): number {
  const widths = columns.map(({ head, cell }) => Math.max(head.length, ...rows.map((row) => cell(row).length)));
  const spaces = columns.slice(1).map(({ isNumber = false }) => (isNumber ? gaps.number : gaps.text));
  return [...widths, ...spaces].reduce((total, width) => total + width, 0);
}

function widthOf({ columns, cells, gaps }: Layout): number {
  const heads = columns.map((column, index) => ({
    ...column,
    head: "",
    cell: (row: readonly string[]) => row[index] ?? "",
  }));
  return tableWidth(cells, heads, gaps);
}

function narrowed(layout: Layout): Layout {
  const excess = widthOf(layout) - WIDEST_LINE;
  const index = layout.columns.findIndex(({ mayBeCut }) => mayBeCut);
  if (excess <= 0 || index === -1) return layout;
  const width = Math.max(...layout.cells.map((row) => row[index]?.length ?? 0)) - excess;
  const cut = (text: string): string => (text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`);
  return { ...layout, cells: layout.cells.map((row) => row.map((text, at) => (at === index ? cut(text) : text))) };
}

function draw({ columns, cells, gaps }: Layout): string {
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const drawCell = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    const isNumber = columns[index]?.isNumber === true;
    const gap = index === 0 ? "" : " ".repeat(isNumber ? gaps.number : gaps.text);
    return `${gap}${isNumber ? text.padStart(width) : text.padEnd(width)}`;
  };
  return cells.map((row) => row.map(drawCell).join("").trimEnd()).join("\n");
}
