import { readFileSync } from 'node:fs';

/** The table of docs/rbac.md, a row for each verb. */
export const DOCUMENTED_RIGHTS = readFileSync(new URL('../../docs/rbac.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^\| (watched|own) \|/.test(line))
  .flatMap((line) => {
    const [, where = '', group = '', resource = '', name = '', verbs = '', condition = ''] = line
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''));
    const [plural = '', ...subresource] = resource.split('/');
    const qualified = [group === 'core' ? plural : `${plural}.${group}`, ...subresource].join('/');
    return verbs
      .split(', ')
      .map((verb) => ({ where, condition, right: `${verb} ${qualified} ${name}`.trim() }));
  });

/** A right of the table as it is with these names of Secrets. */
export function named(right: string, names: readonly string[]): string[] {
  if (right.endsWith(' leaseName')) return [right.replace(/leaseName$/, 'heatstack-operator')];
  const verb = right.replace(/ secretNames$/, '');
  if (verb === right) return [right];
  return names.length === 0 ? [verb] : names.map((name) => `${verb} ${name}`);
}

/** Reads what `kubectl auth can-i --list` prints, as `get secrets name`. */
export function parseRights(text: string): Set<string> {
  const [, ...lines] = text.trimEnd().split('\n');
  return new Set(
    lines.flatMap((line) => {
      const [, resource = '', urls = '', names = '', verbs = ''] =
        /^(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]$/.exec(line.trimEnd()) ?? [];
      if (verbs === '') throw new Error(`no line of kubectl auth can-i --list: ${line}`);
      return verbs
        .split(' ')
        .flatMap((verb) =>
          (names === '' ? [''] : names.split(' ')).map((name) => `${verb} ${resource}${urls} ${name}`.trim()),
        );
    }),
  );
}
