/** A call as the vendor saw it. */
export interface SeenCall {
  /** Since the first call of the run. */
  readonly atMs: number;
  readonly isAccepted: boolean;
}

export interface LimitRuns {
  /** The vendor's limit; it lets one second's worth through at once. */
  readonly perMinute: number;
  /** What the configuration says in the second run. */
  readonly toldPerMinute: number;
  readonly toldRight: readonly SeenCall[];
  readonly toldTooHigh: readonly SeenCall[];
}

const WIDTH = 1000;
const HEIGHT = 452;
const MINUTE_MS = 60_000;
const SECOND_MS = 1000;
const COLORS = {
  background: "#ffffff",
  border: "#d0d7de",
  text: "#1f2328",
  faint: "#656d76",
  grid: "#eaeef2",
  limit: "#57606a",
  told: "#bc4c00",
  right: "#0969da",
  tooHigh: "#8250df",
  refused: "#cf222e",
} as const;

/** A part of the picture with axes of its own. */
interface Panel {
  readonly title: string;
  /** Of the plot, in px. */
  readonly left: number;
  readonly width: number;
  readonly longestMs: number;
  readonly most: number;
  readonly everySeconds: number;
  readonly everyCalls: number;
}

const TOP = 92;
const PLOT_HEIGHT = 248;
const BOTTOM = TOP + PLOT_HEIGHT;

/** How many calls a limit lets through until then. */
function allowed(perMinute: number, atMs: number): number {
  return (perMinute / MINUTE_MS) * (SECOND_MS + atMs);
}

export function drawLimits(runs: LimitRuns): string {
  const { perMinute, toldPerMinute, toldRight, toldTooHigh } = runs;
  const whole = panelOfWhole(runs);
  const start = panelOfStart(runs);
  const limitLine = (panel: Panel): string => slope(panel, perMinute, `stroke="${COLORS.limit}" stroke-width="1.5"`);
  const parts = [
    ...axes(whole),
    limitLine(whole),
    steps(whole, toldRight, COLORS.right),
    steps(whole, toldTooHigh, COLORS.tooHigh),
    refusals(whole, toldTooHigh),
    ...axes(start),
    limitLine(start),
    slope(start, toldPerMinute, `stroke="${COLORS.told}" stroke-width="1.5" stroke-dasharray="6 4"`),
    steps(start, toldRight, COLORS.right),
    steps(start, toldTooHigh, COLORS.tooHigh),
    refusals(start, toldTooHigh),
    ...annotations(start, runs),
    ...legend(runs),
  ];
  const label = `Calls over time of two runs against a vendor's limit of ${perMinute} requests per minute`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" \
role="img" aria-label="${label}" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12">
<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8" fill="${COLORS.background}" stroke="${COLORS.border}"/>
${text({ x: 24, y: 30, size: 16, weight: 600 }, `A vendor that allows ${grouped(perMinute)} requests per minute, one second of it at once`)}
${text({ x: 24, y: 50, fill: COLORS.faint }, "Calls as the vendor saw them. It sends no headers about its limits.")}
${parts.join("\n")}
</svg>
`;
}

function panelOfWhole({ perMinute, toldRight, toldTooHigh }: LimitRuns): Panel {
  const last = Math.max(...[...toldRight, ...toldTooHigh].map(({ atMs }) => atMs));
  const longestMs = Math.ceil((2 * last) / SECOND_MS) * (SECOND_MS / 2);
  const most = Math.ceil(allowed(perMinute, longestMs) / 50) * 50;
  return { title: "The whole run", left: 66, width: 400, longestMs, most, everySeconds: 1, everyCalls: 50 };
}

/** From the first call until a while after the last refusal. */
function panelOfStart({ toldPerMinute, toldTooHigh }: LimitRuns): Panel {
  const lastRefusal = Math.max(0, ...toldTooHigh.filter(isRefused).map(({ atMs }) => atMs));
  const longestMs = Math.ceil(Math.min(lastRefusal, SECOND_MS) / 200) * 200 + 600;
  const most = Math.ceil(allowed(toldPerMinute, longestMs) / 20) * 20;
  return { title: "Its beginning, larger", left: 546, width: 430, longestMs, most, everySeconds: 0.2, everyCalls: 20 };
}

function isRefused({ isAccepted }: SeenCall): boolean {
  return !isAccepted;
}

function countRefused(calls: readonly SeenCall[]): string {
  return `${calls.filter(isRefused).length} refused`;
}

function xOf({ left, width, longestMs }: Panel, atMs: number): number {
  return left + (atMs / longestMs) * width;
}

function yOf({ most }: Panel, calls: number): number {
  return BOTTOM - (calls / most) * PLOT_HEIGHT;
}

function axes(panel: Panel): string[] {
  const { title, left, width, longestMs, most, everySeconds, everyCalls } = panel;
  const lines = [text({ x: left, y: TOP - 12, weight: 600 }, title)];
  for (let calls = 0; calls <= most; calls += everyCalls) {
    const y = yOf(panel, calls);
    lines.push(line([left, y, left + width, y], `stroke="${COLORS.grid}"`));
    lines.push(text({ x: left - 8, y: y + 4, anchor: "end", fill: COLORS.faint }, String(calls)));
  }
  const everyMs = everySeconds * SECOND_MS;
  for (let atMs = 0; atMs <= longestMs; atMs += everyMs) {
    const x = xOf(panel, atMs);
    const label = everySeconds < 1 ? (atMs / SECOND_MS).toFixed(1) : String(atMs / SECOND_MS);
    lines.push(line([x, BOTTOM, x, BOTTOM + 4], `stroke="${COLORS.limit}"`));
    lines.push(text({ x, y: BOTTOM + 18, anchor: "middle", fill: COLORS.faint }, label));
  }
  lines.push(line([left, BOTTOM, left + width, BOTTOM], `stroke="${COLORS.limit}"`));
  const middle = left + width / 2;
  lines.push(text({ x: middle, y: BOTTOM + 36, anchor: "middle", fill: COLORS.faint }, "seconds since the first call"));
  const y = TOP + PLOT_HEIGHT / 2;
  const turned = `<g transform="rotate(-90 ${left - 42} ${y})">`;
  lines.push(
    `${turned}${text({ x: left - 42, y, anchor: "middle", fill: COLORS.faint }, "calls accepted until then")}</g>`,
  );
  return lines;
}

/** What a limit allows in all; it ends where the panel does. */
function slope(panel: Panel, perMinute: number, style: string): string {
  const untilMs = Math.min(panel.longestMs, (panel.most / perMinute) * MINUTE_MS - SECOND_MS);
  const from = [xOf(panel, 0), yOf(panel, allowed(perMinute, 0))] as const;
  return line([...from, xOf(panel, untilMs), yOf(panel, allowed(perMinute, untilMs))], style);
}

function steps(panel: Panel, calls: readonly SeenCall[], color: string): string {
  const inside = calls.filter(({ atMs, isAccepted }) => isAccepted && atMs <= panel.longestMs);
  const moves = inside.map(({ atMs }, index) => `H${px(xOf(panel, atMs))}V${px(yOf(panel, index + 1))}`);
  const start = `M${px(xOf(panel, 0))} ${px(yOf(panel, 0))}`;
  const isOver = inside.length === calls.filter(({ isAccepted }) => isAccepted).length;
  const end = isOver ? "" : `H${px(xOf(panel, panel.longestMs))}`;
  return `<path d="${start}${moves.join("")}${end}" fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round"/>`;
}

/** A cross at what was accepted until then. */
function refusals(panel: Panel, calls: readonly SeenCall[]): string {
  const size = 4;
  const crosses = calls.flatMap((call, index) => {
    if (call.isAccepted || call.atMs > panel.longestMs) return [];
    const accepted = calls.slice(0, index).filter(({ isAccepted }) => isAccepted).length;
    const [x, y] = [xOf(panel, call.atMs), yOf(panel, accepted)];
    return [`M${px(x - size)} ${px(y - size)}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}`];
  });
  return `<path d="${crosses.join("")}" fill="none" stroke="${COLORS.refused}" stroke-width="2.5"/>`;
}

const ANNOTATION_WIDTH = 312;

/** What happens at the first refusal, and afterwards. */
function annotations(panel: Panel, { toldTooHigh }: LimitRuns): string[] {
  const index = toldTooHigh.findIndex(isRefused);
  const first = toldTooHigh[index];
  if (first === undefined) return [];
  const [x, y] = [xOf(panel, first.atMs), yOf(panel, index)];
  const at = { x: Math.min(x + 40, panel.left + panel.width - ANNOTATION_WIDTH), y: Math.min(BOTTOM - 40, y + 62) };
  return [
    line([x + 5, y + 7, at.x - 4, at.y - 14], `stroke="${COLORS.refused}"`),
    text({ ...at, fill: COLORS.refused, weight: 600 }, "429: for all workers the bucket is empty now;"),
    text({ x: at.x, y: at.y + 16, fill: COLORS.refused }, "granted slots are taken back, the pace is lowered"),
  ];
}

function legend(runs: LimitRuns): string[] {
  const { perMinute, toldPerMinute, toldRight, toldTooHigh } = runs;
  const y = BOTTOM + 66;
  return [
    ...legendEntry({ x: 66, y }, `stroke="${COLORS.limit}" stroke-width="1.5"`, "what the vendor allows"),
    ...legendEntry(
      { x: 66, y: y + 22 },
      `stroke="${COLORS.told}" stroke-width="1.5" stroke-dasharray="6 4"`,
      `what it was told: ${grouped(toldPerMinute)}`,
    ),
    ...legendEntry(
      { x: 300, y },
      `stroke="${COLORS.right}" stroke-width="2"`,
      `told ${grouped(perMinute)}, as it is: ${countRefused(toldRight)}`,
    ),
    ...legendEntry(
      { x: 300, y: y + 22 },
      `stroke="${COLORS.tooHigh}" stroke-width="2"`,
      `told ${grouped(toldPerMinute)}, 1.5 times too high: ${countRefused(toldTooHigh)}`,
    ),
    `<path d="M700 ${y - 8}l8 8m0 -8l-8 8" fill="none" stroke="${COLORS.refused}" stroke-width="2.5"/>`,
    text({ x: 718, y }, "refused (429)"),
  ];
}

function legendEntry({ x, y }: { x: number; y: number }, style: string, label: string): string[] {
  return [line([x, y - 4, x + 28, y - 4], style), text({ x: x + 36, y }, label)];
}

interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly size?: number;
  readonly weight?: number;
  readonly anchor?: "middle" | "end";
  readonly fill?: string;
}

function text({ x, y, size, weight, anchor, fill = COLORS.text }: TextStyle, content: string): string {
  const style = [
    ...(size === undefined ? [] : [` font-size="${size}"`]),
    ...(weight === undefined ? [] : [` font-weight="${weight}"`]),
    ...(anchor === undefined ? [] : [` text-anchor="${anchor}"`]),
  ].join("");
  return `<text x="${px(x)}" y="${px(y)}" fill="${fill}"${style}>${content}</text>`;
}

function line([x1, y1, x2, y2]: readonly [number, number, number, number], style: string): string {
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" ${style}/>`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
