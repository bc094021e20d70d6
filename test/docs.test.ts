import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ANNOTATIONS, FINALIZER, GROUP, KIND, OUTPUTS_OF, VERSION } from '../src/api/constants.ts';
import { fieldsOf, readSchema } from './crd/schema.ts';
import { anchors } from './support/markdown.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNBOOKS = readdirSync(new URL('../docs/runbooks', import.meta.url));
const PAGES = [
  'README.md',
  'SECURITY.md',
  'bench/README.md',
  'deploy/argocd/README.md',
  'deploy/flux/README.md',
  'deploy/helm/heatstack-operator/README.md',
  'deploy/kube-state-metrics/README.md',
  'deploy/policies/README.md',
  'docs/architecture.md',
  'docs/changelog.md',
  'docs/conditions.md',
  'docs/environments.md',
  'docs/gitops.md',
  'docs/heatstack.md',
  'docs/heatstack-coverage.md',
  'docs/metrics.md',
  'docs/openstack.md',
  'docs/operations.md',
  'docs/openstack-conformance.md',
  'docs/openstack-errors.md',
  'docs/outputs.md',
  'docs/performance.md',
  'docs/rbac.md',
  'docs/releasing.md',
  'docs/traces.md',
  ...RUNBOOKS.map((file) => `docs/runbooks/${file}`),
  'crds/README.md',
  'test/testbed/README.md',
];
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('the documentation', () => {
  it.each(PAGES)('%s links to files that are there', (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  it.each(PAGES)('%s links to headings that are there', (page) => {
    const text = read(page);
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)];
    const broken = links.filter(([, file = '', anchor = '']) => {
      const target = file === '' ? text : read(join(dirname(page), file));
      return !anchors(target).has(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('has no page that the README does not link to', () => {
    const linked = new Set([...read('README.md').matchAll(/\]\((docs\/[^)#]+)/g)].map(([, page]) => page));
    const pages = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
    expect(pages.filter((page) => !linked.has(`docs/${page}`))).toEqual([]);
  });

  it('explains every field of a HeatStack', () => {
    const page = read('docs/heatstack.md');
    const schema = readSchema(read('crds/heatstack.dev_heatstacks.yaml')).properties ?? {};
    const fields = (['spec', 'status'] as const).flatMap((part) => fieldsOf(schema[part] ?? {}, part));
    const words = new Set(fields.map((field) => field.replace(/^.*[.=]/, '').replace('[]', '')));
    expect(words.size).toBeGreaterThan(100);
    const code = [...page.matchAll(/^```.*?^```$|`[^`\n]+`/gms)].join('\n');
    // A name by itself: `name`, `filter.name`, `history[]`, or a key of an example.
    expect([...words].filter((word) => !new RegExp(`\\b${word}\\b`).test(code))).toEqual([]);
    const own = Object.keys(schema['spec']?.properties ?? {});
    expect(own.filter((field) => !page.includes(`\`.spec.${field}`))).toEqual([]);
  });

  it('names only annotations, labels and finalizers that are there', () => {
    const known = new Set<string>([
      ...Object.values(ANNOTATIONS),
      ...[`${GROUP}/${VERSION}`, `${GROUP}/${KIND}`, FINALIZER, `${GROUP}/in-use`, OUTPUTS_OF],
    ]);
    const named = PAGES.flatMap((page) => [
      ...read(page).matchAll(/(?<![\w.])(?:heatstack\.dev|reconcile\.fluxcd\.io)\/[\w-]+/g),
    ]).map(([name]) => name);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
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
