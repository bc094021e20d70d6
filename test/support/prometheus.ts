/** One line of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** A metric with all its lines. */
export interface Family {
  type: string;
  help: string;
  samples: Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)?\\})? (\\S+)$`);
const SUFFIXES: Record<string, string[]> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

/**
 * Reads Prometheus' text format (version 0.0.4), strictly.
 *
 * @throws Error at what promtool would refuse too: a line that is none, no type, a series twice, buckets that sink
 */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: { name: string; family: Family } | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = line.match(/^# (HELP|TYPE) (\S+) (.+)$/) ?? [];
    if (kind === 'HELP') {
      if (families.has(name)) throw new Error(`${name} is there twice`);
      current = { name, family: { type: '', help: rest, samples: [] } };
      families.set(name, current.family);
    } else if (kind === 'TYPE') {
      if (current?.name !== name || !(rest in SUFFIXES)) throw new Error(`wrong: ${line}`);
      current.family.type = rest;
    } else {
      const sample = parseSample(line);
      const suffixes = SUFFIXES[current?.family.type ?? ''] ?? [];
      if (!suffixes.some((suffix) => sample.name === `${current?.name}${suffix}`))
        throw new Error(`of no metric: ${line}`);
      const series = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (seen.has(series)) throw new Error(`twice: ${line}`);
      seen.add(series);
      current?.family.samples.push(sample);
    }
  }
  for (const [name, family] of families) checkBuckets(name, family);
  return families;
}

/** The value of the one series with these labels; 0 when there is none. */
export function total(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number {
  const base = name.replace(/_(sum|count)$/, '');
  const { samples } = families.get(name) ?? families.get(base) ?? { samples: [] };
  const found = samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return found.reduce((sum, { value }) => sum + value, 0);
}

function parseSample(line: string): Sample {
  const [match, name = '', inBraces = '', text = ''] = SAMPLE.exec(line) ?? [];
  const value = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text);
  // Prometheus takes NaN in any case, and prom-client has one of its own.
  if (match === undefined || (Number.isNaN(value) && !/^nan$/i.test(text)))
    throw new Error(`no sample: ${line}`);
  const pairs = [...inBraces.matchAll(new RegExp(LABEL, 'g'))].map(([pair]) => {
    const equals = pair.indexOf('=');
    return [pair.slice(0, equals), JSON.parse(pair.slice(equals + 1)) as string] as const;
  });
  if (new Set(pairs.map(([label]) => label)).size < pairs.length) throw new Error(`a label twice: ${line}`);
  return { name, labels: Object.fromEntries(pairs), value };
}

function checkBuckets(name: string, { type, samples }: Family): void {
  if (type !== 'histogram') return;
  const rising = new Map<string, { le: number; value: number }>();
  for (const { name: of, labels, value } of samples) {
    const { le, ...others } = labels;
    const series = JSON.stringify(others);
    if (of === `${name}_bucket`) {
      const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
      const last = rising.get(series);
      if (last && (last.le >= bound || last.value > value)) throw new Error(`${name}: buckets sink`);
      rising.set(series, { le: bound, value });
    } else if (of === `${name}_count` && rising.get(series)?.value !== value) {
      throw new Error(`${name}: the last bucket isn't the count`);
    }
  }
}
