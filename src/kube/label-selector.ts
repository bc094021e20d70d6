const MARK = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** Whether an object with these labels is selected. */
export type LabelSelector = (labels: Readonly<Record<string, string>> | undefined) => boolean;

/**
 * Reads a label selector as kubectl and the API server do: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`
 * and `!a`, several separated by commas; all must hold.
 *
 * @throws SyntaxError that quotes what isn't understood
 */
export function parseLabelSelector(text: string): LabelSelector {
  // Not within brackets.
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  const requirements = parts.map(parseRequirement);
  return (labels = {}) => requirements.every((holds) => holds(labels));
}

function parseRequirement(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const [, not, lone] = /^(!?)\s*([^\s!=,()]+)$/.exec(text) ?? [];
  if (lone !== undefined) {
    const key = checkKey(lone, text);
    return (labels) => Object.hasOwn(labels, key) !== (not === '!');
  }
  const [, equalKey = '', operator, equalTo = ''] =
    /^([^\s!=,()]+)\s*(==?|!=)\s*([^\s!=,()]*)$/.exec(text) ?? [];
  const [, setKey = '', verb, list = ''] = /^([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text) ?? [];
  if (operator === undefined && verb === undefined) throw notUnderstood(text);
  const key = checkKey(operator === undefined ? setKey : equalKey, text);
  const values = operator === undefined ? list.split(',').map((value) => value.trim()) : [equalTo];
  if (values.some((value) => value !== '' && !MARK.test(value))) throw notUnderstood(text);
  const isNegative = operator === '!=' || verb === 'notin';
  // As in Kubernetes, an object without the label has none of the values.
  return (labels) =>
    Object.hasOwn(labels, key) ? values.includes(labels[key] ?? '') !== isNegative : isNegative;
}

function checkKey(key: string, text: string): string {
  const [name = '', prefix, ...rest] = key.split('/').reverse();
  const isKey = MARK.test(name) && rest.length === 0 && (prefix === undefined || PREFIX.test(prefix));
  if (!isKey) throw notUnderstood(text);
  return key;
}

function notUnderstood(text: string): SyntaxError {
  return new SyntaxError(`"${text}" is not a requirement for labels, such as key=value or key in (a,b)`);
}
