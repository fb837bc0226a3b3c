/** A strict reader of Prometheus' text format 0.0.4; throws at whatever a scraper might stumble over. */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

interface Reading {
  readonly families: Map<string, Family>;
  readonly seenSeries: Set<string>;
  help: { readonly name: string; readonly text: string };
  current: string;
}

export function parseMetrics(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const reading: Reading = { families: new Map(), seenSeries: new Set(), help: { name: "", text: "" }, current: "" };
  for (const line of text.split("\n").filter((part) => part !== "")) {
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (keyword === "HELP") reading.help = { name, text: rest };
    else if (keyword === "TYPE") openFamily(reading, name, rest);
    else addSample(reading, line);
  }
  for (const [name, { type, samples }] of reading.families) if (type === "histogram") checkHistogram(name, samples);
  return reading.families;
}

function openFamily(reading: Reading, name: string, type: string): void {
  const { families, help } = reading;
  if (help.name !== name) throw new Error(`no HELP right before the TYPE of ${name}`);
  if (families.has(name)) throw new Error(`a second TYPE of ${name}`);
  if (!/^(counter|gauge|histogram|summary|untyped)$/.test(type)) throw new Error(`no type: ${type}`);
  families.set(name, { type, help: help.text, samples: [] });
  reading.current = name;
}

function addSample({ families, seenSeries, current }: Reading, line: string): void {
  const sample = parseSample(line);
  const family = families.get(current);
  if (family === undefined || !belongsTo(sample.name, current, family.type))
    throw new Error(`not below its TYPE: ${line}`);
  const series = `${sample.name} ${seriesKey(sample.labels)}`;
  if (seenSeries.has(series)) throw new Error(`twice: ${line}`);
  seenSeries.add(series);
  family.samples.push(sample);
}

/** The same for the same labels in another order. */
function seriesKey(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => JSON.stringify([name, value]));
  return pairs.sort().join();
}

function belongsTo(sample: string, family: string, type: string): boolean {
  return type === "histogram"
    ? [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(sample)
    : sample === family;
}

function parseSample(line: string): Sample {
  const [, name, braces, number] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined || number === undefined) throw new Error(`no sample: ${line}`);
  const value = number === "+Inf" ? Infinity : Number(number);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels: braces === undefined ? {} : parseLabels(braces), value };
}

function parseLabels(text: string): Labels {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const [whole, name = "", escaped = ""] = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=.)|$)/.exec(rest) ?? [];
    if (whole === undefined || name in labels) throw new Error(`no labels: {${text}}`);
    labels[name] = escaped.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
    rest = rest.slice(whole.length);
  }
  return labels;
}

/** Per set of labels: buckets in order, growing, the last one +Inf and equal to the count. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) => seriesKey({ ...labels, le: "any" }));
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const edges = buckets.map(({ labels: { le = "" } }) => (le === "+Inf" ? Infinity : Number(le)));
    const isSorted = edges.every((edge, index) => index === 0 || edge > (edges[index - 1] ?? Infinity));
    if (!isSorted || edges.at(-1) !== Infinity) throw new Error(`edges of ${name} ${labels}: ${edges.join()}`);
    const counts = buckets.map(({ value }) => value);
    if (!counts.every((count, index) => index === 0 || count >= (counts[index - 1] ?? Infinity)))
      throw new Error(`not cumulative: ${name} ${labels}: ${counts.join()}`);
    const [count, ...moreCounts] = group.filter((sample) => sample.name === `${name}_count`);
    const sums = group.filter((sample) => sample.name === `${name}_sum`);
    if (count?.value !== counts.at(-1) || moreCounts.length > 0 || sums.length !== 1)
      throw new Error(`count or sum of ${name} ${labels}`);
  }
}

/** The value of the only series with these labels among its own. */
export function valueOf(families: ReadonlyMap<string, Family>, name: string, labels: Labels = {}): number | undefined {
  const samples = [...families.values()].flatMap((family) => family.samples);
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} series match ${name} ${JSON.stringify(labels)}`);
  return found[0]?.value;
}
