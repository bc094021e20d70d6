import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeCloud } from '../../../src/openstack/testdata/fake-cloud.ts';
import { HostileCloud, redirect } from '../../support/hostile-cloud.ts';
import { condition, RANDOM_STRING, scenario, underway } from '../../support/scenario.ts';

const s = scenario('redirects');
const STATUSES = [302, 307, 308];
/** How often a test may see a redirect: more than the operator asks meanwhile. */
const LOOKS = 20;

/** Where the redirects lead: it would serve whoever comes. */
let target: HostileCloud;
const clouds: FakeCloud[] = [];

beforeAll(async () => {
  target = await new HostileCloud().start();
  clouds.push(target);
  await s.startOperator();
});

afterAll(async () => {
  await Promise.all(clouds.map((cloud) => cloud.stop()));
});

/** The addresses that a redirect names: the operator may go to all of them, and one is the server itself. */
const TARGETS: [what: string, origin: (from: HostileCloud) => string][] = [
  ['another port', () => target.origin],
  ['another name', () => target.origin.replace('127.0.0.1', 'localhost')],
  ['another scheme', () => target.origin.replace('http:', 'https:')],
  ['an address without scheme', () => target.origin.replace('http:', '')],
  ['itself', (from) => from.origin],
];

const CASES = TARGETS.flatMap(([what, origin]) => STATUSES.map((status) => ({ what, origin, status })));

describe.concurrent('is not followed', () => {
  it.each(CASES)('$status of Keystone to $what', async ({ what, origin, status }) => {
    const cloud = await hostile();
    cloud.tokenReplies.push(...Array(LOOKS).fill(redirect(`${origin(cloud)}/v3/auth/tokens`, status)));
    const name = nameOf(what, `keystone-${status}`);
    await apply(name, cloud);
    const object = await s.notReady(name, 'InvalidConfiguration');
    expect(underway(object)).toEqual(['Stalled']);
    expect(condition(object, 'Ready')?.message).toMatch(/correct auth_url/);
    await clear(name);
  });

  it.each(CASES)('$status of Heat to $what, for a create', async ({ what, origin, status }) => {
    const cloud = await hostile();
    const name = nameOf(what, `create-${status}`);
    cloud.on('POST /stacks', redirect(`${origin(cloud)}/v1/project/stacks`, status));
    await apply(name, cloud);
    const object = await s.notReady(name, 'TransientError');
    expect(underway(object)).toEqual(['Reconciling']);
    await clear(name);
  });

  it.each(CASES)('$status of Heat to $what, for a look', async ({ what, origin, status }) => {
    const cloud = await hostile();
    const name = nameOf(what, `look-${status}`);
    const { path } = cloud.stack(name);
    cloud.on(`GET ${path}`, redirect(`${origin(cloud)}/v1/project${path}`, status));
    await apply(name, cloud);
    const object = await s.notReady(name, 'TransientError');
    expect(underway(object)).toEqual(['Reconciling']);
    await clear(name);
  });
});

it('leads nowhere', () => {
  expect(target.seen).toEqual([]);
  expect(target.signIns).toEqual([]);
});

async function hostile(): Promise<HostileCloud> {
  const cloud = await new HostileCloud().start();
  clouds.push(cloud);
  return cloud;
}

function nameOf(what: string, rest: string): string {
  return `${what.replaceAll(' ', '-')}-${rest}`;
}

async function apply(name: string, cloud: HostileCloud): Promise<void> {
  await s.writeSecret(name, { 'clouds.yaml': cloud.cloudsYaml() });
  await s.apply(name, {
    cloudCredentialsRef: { secretName: name, cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
}

async function clear(name: string): Promise<void> {
  await s.patch(name, { spec: { managedOptions: { onDelete: 'detach' } } });
  await s.delete(name);
  await s.gone(name);
}
