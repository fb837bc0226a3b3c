// Draws what a figure's `data-chart` says: bars over time, one on top of the other. Beside each there is a table with the
// same numbers for those who do not see it.

/**
 * @typedef {{ name: string, values: number[] }} Series
 * @typedef {{ at: number[], stepMs: number, unit: string, series: Series[] }} Chart `at`: when each bucket begins, epoch
 *   ms; `unit`: `USD`, or of a plain number
 * @typedef {{ text: string, chart: Chart, plot: import("uplot") }} Drawn
 */

const COLOURS = ["#4f74e3", "#d9822b", "#3f9b63", "#c2477f", "#7a62c9", "#1f9aa8", "#a2772b", "#c0463b", "#6b7a99"];
const HEIGHT = 220;
const NARROWEST = 260;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;
/** Between two ticks. */
const STEPS_SECONDS = [
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_SECONDS),
  ...[1, 2, 4, 7, 14, 30, 60, 90, 180, 360].map((days) => days * DAY_SECONDS),
];

/** @type {Map<HTMLElement, Drawn>} */
const drawn = new Map();

/**
 * Draws what is new or has changed.
 * @param {HTMLElement} container
 */
export function drawCharts(container) {
  for (const element of drawn.keys()) if (!element.isConnected) forget(element);
  for (const element of container.querySelectorAll(".plot")) if (element instanceof HTMLElement) draw(element);
}

/** @param {HTMLElement} element */
function forget(element) {
  drawn.get(element)?.plot.destroy();
  drawn.delete(element);
}

/** @param {HTMLElement} element */
function draw(element) {
  const text = element.dataset["chart"] ?? "";
  const known = drawn.get(element);
  if (known?.text === text) return;
  const chart = /** @type {Chart} */ (JSON.parse(text));
  if (known !== undefined && namesOf(known.chart) === namesOf(chart)) {
    Object.assign(known, { text, chart });
    known.plot.setData(dataOf(chart));
    return;
  }
  forget(element);
  element.replaceChildren();
  const plot = new uPlot(optionsOf(element, chart), dataOf(chart), element);
  drawn.set(element, { text, chart, plot });
}

/**
 * What is drawn, apart from the numbers.
 * @param {Chart} chart
 */
function namesOf({ unit, stepMs, series }) {
  return JSON.stringify([unit, stepMs, series.map(({ name }) => name)]);
}

/**
 * @param {Chart} chart
 * @returns {import("uplot").AlignedData}
 */
function dataOf({ at, series }) {
  return [at.map((ms) => ms / 1000), ...stack(series.map(({ values }) => values))];
}

/**
 * @param {HTMLElement} element
 * @param {Chart} chart
 * @returns {import("uplot").Options}
 */
function optionsOf(element, { series, unit, stepMs }) {
  const ink = getComputedStyle(element).color;
  const axis = { stroke: ink, grid: { stroke: "#8883", width: 1 }, ticks: { stroke: "#8886", width: 1 } };
  return {
    width: Math.max(NARROWEST, element.clientWidth),
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    cursor: { drag: { x: false, y: false } },
    scales: {
      x: { range: (plot, from, to) => widened(plot.data[0], [from, to], stepMs) },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.05 : 1] },
    },
    axes: [
      {
        ...axis,
        incrs: STEPS_SECONDS.filter((seconds) => seconds * 1000 >= stepMs),
        values: (...[, ticks, , , step]) => ticks.map((tick) => writeTime(tick, step)),
      },
      { ...axis, size: 72, values: (_plot, ticks) => ticks.map((tick) => write(tick, unit)) },
    ],
    series: [
      { label: "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" },
      ...series.map(({ name }, index) => bars(element, name, index)),
    ],
  };
}

/**
 * With room for the first and the last bar.
 * @param {ArrayLike<number> | undefined} at seconds
 * @param {[number, number]} otherwise
 * @param {number} stepMs
 * @returns {[number, number]}
 */
function widened(at, [from, to], stepMs) {
  const half = stepMs / 2000;
  return [(at?.[0] ?? from) - half, (at?.[at.length - 1] ?? to) + half];
}

/**
 * `26 Nov`, or `15:00`; UTC.
 * @param {number} seconds
 * @param {number} step between two ticks
 */
function writeTime(seconds, step) {
  const date = new Date(seconds * 1000);
  if (step < DAY_SECONDS) return date.toISOString().slice(11, 16);
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {number} index
 * @returns {import("uplot").Series}
 */
function bars(element, name, index) {
  const colour = COLOURS[index % COLOURS.length] ?? "";
  const paths = uPlot.paths.bars?.({ size: [0.8, 60] });
  return {
    label: name,
    stroke: colour,
    fill: colour,
    points: { show: false },
    ...(paths === undefined ? {} : { paths }),
    // What is drawn are sums; what is told is its own part.
    value: (...[, , , position]) => {
      const chart = drawn.get(element)?.chart;
      const value = position === null ? undefined : chart?.series[index]?.values[position];
      return value === undefined || chart === undefined ? "--" : write(value, chart.unit);
    },
  };
}

/**
 * Each with all that come after it: what is drawn later stands in front.
 * @param {number[][]} series
 */
function stack(series) {
  /** @type {number[]} */
  let sums = [];
  const stacked = series
    .toReversed()
    .map((values) => (sums = values.map((value, index) => value + (sums[index] ?? 0))));
  return stacked.toReversed();
}

const NUMBER = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/**
 * @param {number} value
 * @param {string} unit
 */
function write(value, unit) {
  if (unit !== "USD") return NUMBER.format(value);
  return `$${value !== 0 && Math.abs(value) < 1 ? trimmed(value) : value.toFixed(2)}`;
}

/**
 * Three significant digits, at least two decimals: `0.50`, `0.00123`.
 * @param {number} value
 */
function trimmed(value) {
  const decimals = Math.min(9, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(decimals).replace(/(\.\d\d\d*?)0+$/, "$1");
}

addEventListener("resize", () => {
  for (const [element, { plot }] of drawn)
    plot.setSize({ width: Math.max(NARROWEST, element.clientWidth), height: HEIGHT });
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const element of [...drawn.keys()]) {
    forget(element);
    draw(element);
  }
});
