import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = [
  'README.md',
  'SECURITY.md',
  'deploy/policies/README.md',
  'docs/architecture.md',
  'docs/conditions.md',
  'docs/openstack.md',
  'docs/openstack-errors.md',
  'docs/outputs.md',
  'docs/rbac.md',
  'crds/README.md',
  'test/testbed/README.md',
];
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('the documentation', () => {
  it.each(PAGES)('%s links to files that are there', (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  it('lists every reason that a condition can have', () => {
    const page = read('docs/conditions.md');
    const words = [...read('src/api/reasons.ts').matchAll(/'(\w+)'/g)].map(([, word = '']) => word);
    const sources = readdirSync(join(ROOT, 'src/controller'))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => read(`src/controller/${file}`));
    const code = [read('src/api/conditions.ts'), ...sources].join('');
    const used = words.filter((word) => code.includes(`'${word}'`));
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((word) => !page.includes(`\`${word}\``))).toEqual([]);
  });

  it('names only npm scripts that are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = PAGES.flatMap((page) => [...read(page).matchAll(/npm run ([\w:]+)/g)]).map(
      ([, name = '']) => name,
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
