import { isRawNumber, type Json } from '../../json.ts';

/** How Python's `str()` writes a value that came from JSON: Heat shows values of parameters so. */
export function pythonText(value: Json): string {
  return typeof value === 'string' ? value : written(value, `'`, ['None', 'True', 'False']);
}

/** How Python's `json.dumps()` writes a value: with spaces. */
export function pythonJson(value: Json): string {
  return written(value, '"', ['null', 'true', 'false']);
}

function written(value: Json, quote: string, words: [none: string, yes: string, no: string]): string {
  if (value === null) return words[0];
  if (typeof value === 'boolean') return words[value ? 1 : 2];
  if (typeof value === 'number') return String(value);
  if (isRawNumber(value)) return value.rawJSON;
  if (typeof value === 'string') {
    return quote === '"' || value.includes(`'`) ? JSON.stringify(value) : `'${value}'`;
  }
  if (Array.isArray(value)) return `[${value.map((each) => written(each, quote, words)).join(', ')}]`;
  const members = Object.entries(value).map(([key, each]) => {
    return `${written(key, quote, words)}: ${written(each, quote, words)}`;
  });
  return `{${members.join(', ')}}`;
}
