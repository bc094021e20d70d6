import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLOUDS_YAML, World } from './testing/world.ts';

let world: World;

beforeEach(async () => {
  world = new World();
  await world.created();
});
afterEach(() => world.stop());

const secretsRead = () =>
  world.cluster.requests.filter((request) => request.endsWith('/secrets/creds')).length;

/** Another look that needs the cloud. */
async function update(flavor: string): Promise<void> {
  world.applyParameter(flavor);
  await world.reconcile();
  world.heat.finish();
  await world.reconcileNews();
}

test('a Secret that is as it was is read once', async () => {
  await update('large');
  expect(secretsRead()).toBe(0);
});

test('one that has changed is read again, and its credentials are used', async () => {
  world.writeCredentials(CLOUDS_YAML.replace('correct-horse-battery', 'another-password'));
  await update('large');
  expect(secretsRead()).toBe(1);
  expect(world.lastLogin?.auth).toMatchObject({ password: 'another-password' });
});

test('another cloud of the same Secret is another one', async () => {
  world.writeCredentials(`${CLOUDS_YAML}${CLOUDS_YAML.replace(/^clouds:$/m, '').replace('prod', 'test')}`);
  world.apply({ cloudCredentialsRef: { secretName: 'creds', cloudName: 'test' } });
  await world.reconcile();
  world.apply({ cloudCredentialsRef: { secretName: 'creds', cloudName: 'prod' } });
  await world.reconcile();
  expect(secretsRead()).toBe(2);
});

test('one that is gone is not used any more', async () => {
  world.cluster.delete('Secret', 'team', 'creds');
  world.applyParameter('large');
  await world.reconcile();
  expect(world.ready).toContain('CredentialsNotFound');
});

test('one that the watch does not show is read each time', async () => {
  world.seesAll = false;
  await update('large');
  expect(secretsRead()).toBe(2);
});
