import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scenario } from '../../support/scenario.ts';

const s = scenario('dates');

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  day: { type: string, default: 2001-02-03 }
resources:
  nothing: { type: OS::Heat::None }
outputs:
  day: { value: { get_param: day } }
`;

const indented = (text: string, columns: number) => text.replace(/^(?=.)/gm, ' '.repeat(columns));

/** A manifest as somebody types it: no quotes around dates. */
const manifest = (name: string, more: string) => `apiVersion: heatstack.dev/v1alpha1
kind: HeatStack
metadata:
  name: ${name}
spec:
  cloudCredentialsRef: { secretName: openstack-clouds, cloudName: demo }
  outputs: { inStatus: [day] }
${more}`;

const OBJECT = `  template:
    object:
${indented(TEMPLATE, 6)}`;

async function dayOf(name: string): Promise<unknown> {
  const object = await s.ready(name);
  return object.status.outputs?.[0]?.value;
}

it('takes dates as they are written', async () => {
  await s.startOperator();
  const names = Object.fromEntries(
    ['inline', 'object', 'kustomized', 'referred', 'parameter', 'environment'].map((form) => [
      form,
      `${s.namespace}-${form}`,
    ]),
  ) as Record<string, string>;
  const name = (form: string) => names[form] ?? '';

  await s.writeConfigMap('template', { 'web.yaml': TEMPLATE });
  const inline = `  template:\n    inline: |\n${indented(TEMPLATE, 6)}`;
  await s.applyText(
    [
      manifest(name('inline'), inline),
      manifest(name('object'), OBJECT),
      manifest(name('referred'), '  template: { configMapKeyRef: { name: template, key: web.yaml } }\n'),
      manifest(name('parameter'), `  parameters:\n    day: 2011-12-13\n${inline}`),
      manifest(
        name('environment'),
        `  environments:\n  - inline: |\n      parameters:\n        day: 2021-02-03\n${inline}`,
      ),
    ].join('---\n'),
  );
  await s.applyText(await kustomized(manifest(name('kustomized'), OBJECT), name('kustomized')));

  expect(await dayOf(name('inline'))).toBe('2001-02-03');
  expect(await dayOf(name('object'))).toBe('2001-02-03');
  expect(await dayOf(name('referred'))).toBe('2001-02-03');
  expect(await dayOf(name('parameter'))).toBe('2011-12-13');
  expect(await dayOf(name('environment'))).toBe('2021-02-03');

  // Kustomize turns every unquoted date into a time. The version can only be a date; of others nobody can tell.
  const object = await s.ready(name('kustomized'));
  expect(object.spec.template?.object).toMatchObject({ heat_template_version: '2018-08-31T00:00:00Z' });
  expect(object.status.stackStatus).toBe('CREATE_COMPLETE');

  await Promise.all(Object.values(names).map((each) => s.delete(each)));
  await Promise.all(Object.values(names).map((each) => s.gone(each)));
});

/** What `kubectl kustomize` makes of a manifest that it patches. */
async function kustomized(text: string, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-dates-'));
  const patch = `apiVersion: heatstack.dev/v1alpha1
kind: HeatStack
metadata: { name: ${name} }
spec: { template: { object: { description: patched } } }
`;
  try {
    await writeFile(join(folder, 'stack.yaml'), text);
    await writeFile(join(folder, 'patch.yaml'), patch);
    await writeFile(
      join(folder, 'kustomization.yaml'),
      'resources: [stack.yaml]\npatches: [{ path: patch.yaml }]\n',
    );
    return await s.kubectl(['kustomize', folder], { namespaced: false });
  } finally {
    await rm(folder, { recursive: true });
  }
}
