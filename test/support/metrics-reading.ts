/** One line of the text format of Prometheus. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const parse = (text: string): readonly Sample[] =>
  text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? ([\d.e+-]+|\+Inf|NaN)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }];
  });

export interface MetricsReading {
  readonly text: string;
  /** The sum of the samples of that name that have at least these labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  values(name: string, label: string): ReadonlySet<string | undefined>;
}

export const readMetrics = async (port: number): Promise<MetricsReading> => {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await response.text();
  if (response.status !== 200 || !response.headers.get('content-type')?.startsWith('text/plain; version='))
    throw new Error(`no numbers: ${response.status} ${text.slice(0, 200)}`);
  const samples = parse(text);
  const named = (name: string) => samples.filter((sample) => sample.name === name);
  return {
    text,
    sum: (name, labels = {}) =>
      named(name)
        .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
        .reduce((sum, { value }) => sum + value, 0),
    values: (name, label) => new Set(named(name).map(({ labels }) => labels[label])),
  };
};
