export type Labels = Readonly<Record<string, string>>;

/** A value, and which one of the metric it is. */
export type Value = readonly [labels: Labels, value: number];

interface Sample {
  readonly suffix: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A metric with all of its series. Labels hold names only: no prompt, no text, no agent. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** @param name with its unit, e.g. `puppet_cost_today_usd` */
export function gauge(name: string, help: string, values: readonly Value[]): Family {
  return { name, type: "gauge", help, samples: values.map(plain) };
}

/** @param name ends in `_total` */
export function counter(name: string, help: string, values: readonly Value[]): Family {
  return { name, type: "counter", help, samples: values.map(plain) };
}

function plain([labels, value]: Value): Sample {
  return { suffix: "", labels, value };
}

/** A distribution of times. */
export interface Distribution {
  readonly labels: Labels;
  /** Upper edges in seconds; fixed, because Prometheus compares the same edges over time. */
  readonly edgesSeconds: readonly number[];
  /** Seconds, and how many times are about that long. */
  readonly times: Iterable<readonly [seconds: number, count: number]>;
  readonly sumSeconds: number;
}

/** @param name ends in `_seconds` */
export function histogram(name: string, help: string, distributions: readonly Distribution[]): Family {
  return { name, type: "histogram", help, samples: distributions.flatMap(bucketsOf) };
}

function bucketsOf({ labels, edgesSeconds, times, sumSeconds }: Distribution): Sample[] {
  const known = [...times];
  const upTo = (edge: number): number =>
    known.reduce((sum, [seconds, count]) => (seconds <= edge ? sum + count : sum), 0);
  const buckets = [...edgesSeconds, Infinity].map((edge) => ({
    suffix: "_bucket",
    labels: { ...labels, le: edge === Infinity ? "+Inf" : String(edge) },
    value: upTo(edge),
  }));
  const sums = [
    { suffix: "_sum", labels, value: sumSeconds },
    { suffix: "_count", labels, value: upTo(Infinity) },
  ];
  return [...buckets, ...sums];
}

/** The family in Prometheus' text format 0.0.4; each line with its end. */
export function familyText({ name, type, help, samples }: Family): string {
  const head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  return head + samples.map(({ suffix, labels, value }) => `${name}${suffix}${labelText(labels)} ${value}\n`).join("");
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}
