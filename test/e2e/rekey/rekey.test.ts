import { beforeAll, expect, it } from 'vitest';
import { DIGEST_PARAMETER } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { SECRETS } from '../../../src/kube/index.ts';
import { narrowValues, Release } from '../../support/release.ts';
import {
  condition,
  eventually,
  heatRequests,
  heatWrites,
  type Operator,
  read,
  scenario,
} from '../../support/scenario.ts';

const s = scenario('rekey');
// Of its own, since all other scenarios share the key of theirs.
const release = new Release(s.bed, { name: s.namespace, namespace: s.namespace });
const KEY = 'heatstack-operator-digest-key';
const plain = `${s.namespace}-plain`;
const hiding = `${s.namespace}-hiding`;
const names = [plain, hiding];

const template = (hidden: string) => `heat_template_version: 2018-08-31
parameters:
  word: { type: string${hidden} }
resources:
  value: { type: OS::Heat::Value, properties: { value: { get_param: word } } }
  nested: { type: nested.yaml }
`;
const spec = (hidden = '') => ({
  template: { inline: template(hidden) },
  files: {
    'nested.yaml': 'heat_template_version: 2018-08-31\nresources: { none: { type: OS::Heat::None } }\n',
  },
  parameters: { word: 'one-two-three' },
  tags: ['users-own'],
});

let operator: Operator;

beforeAll(async () => {
  await release.install(narrowValues(s.namespace, { outputObjects: { enabled: false } }));
  operator = await s.startOperator([], release);
  await s.apply(plain, spec());
  await s.apply(hiding, spec(', hidden: true'));
});

async function objects(): Promise<HeatStack[]> {
  return Promise.all(names.map((name) => s.ready(name)));
}

async function markerOf({ status: { id = '', stackName = '' } }: HeatStack): Promise<unknown> {
  const environment = await (await s.heat()).stackEnvironment({ id, name: stackName });
  return (environment['parameter_defaults'] as Record<string, unknown>)[DIGEST_PARAMETER];
}

it('finds its stacks again with a new key, and updates none', async () => {
  const before = await objects();
  const key = await read(s, SECRETS, KEY);
  const stacks = await Promise.all(before.map(({ status }) => s.stack(status.id ?? '')));
  await operator.stop();
  await s.kubectl(['delete', 'secret', KEY]);
  const since = operator.log().length;
  operator = await s.startOperator([], release);
  expect(await read(s, SECRETS, KEY)).not.toEqual(key);

  const after = await Promise.all(
    before.map(({ metadata, status }) =>
      s.until(metadata.name, 'known by a new digest', (object) => {
        return object.status.appliedDigest !== status.appliedDigest;
      }),
    ),
  );
  for (const [index, object] of after.entries()) {
    const { id, stackStatus, cloud, ownership, appliedDigest, resources } = before[index]?.status ?? {};
    expect(object.status).toMatchObject({ id, stackStatus, cloud, resources });
    expect(object.status.ownership).not.toBe(ownership);
    expect(object.status.attemptedDigest).toBe(object.status.appliedDigest);
    expect(condition(object, 'Ready')?.status).toBe('True');
    expect(condition(object, 'Drifted')?.reason).toBe('NoDriftDetected');
    expect(await markerOf(object)).toBe(appliedDigest);
    expect(await s.stack(id ?? '')).toEqual(stacks[index]);
  }
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  const warnings = operator
    .log()
    .slice(since)
    .filter(({ msg }) => msg.includes(KEY));
  expect(warnings.map(({ msg }) => msg)).toEqual([expect.stringContaining('a new key is made')]);
  await eventually(
    async () => (await s.events(hiding)).some(({ note }) => note.includes('(parameters/word)')),
    () => 'no Event tells what could not be compared',
  );
});

it('trusts its status from then on', async () => {
  const since = operator.log().length;
  for (const name of names) await s.ask(name);
  const routes = heatRequests(operator.log().slice(since)).map(({ route = '' }) => route);
  expect(routes).toContain('/stacks/{name}/{id}');
  expect(routes.filter((route) => /template|environment|files/.test(route))).toEqual([]);
});

it('updates a stack when its inputs change', async () => {
  const since = operator.log().length;
  await s.apply(plain, { ...spec(), parameters: { word: 'four' } });
  const object = await s.ready(plain);
  expect(heatWrites(operator.log().slice(since))).toEqual(['PUT /stacks/{name}/{id} 202']);
  expect(await markerOf(object)).toBe(object.status.appliedDigest);

  for (const name of names) await s.delete(name);
  for (const name of names) await s.gone(name);
  for (const name of names) expect(await s.stacksNamed(name)).toEqual([]);
});
