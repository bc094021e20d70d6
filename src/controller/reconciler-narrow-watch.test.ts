import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KubeError } from '../kube/index.ts';
import { CLOUDS_YAML, World } from './testing/world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

describe('a HeatStack whose Secrets and ConfigMaps are not watched', () => {
  beforeEach(() => {
    world.seesAll = false;
  });

  test('is left alone while it is settled, before and after a restart', async () => {
    await world.created();
    for (const restart of [false, true]) {
      if (restart) await world.restart();
      world.forget();
      await world.reconcile();
      expect(world.heat.takeCalls()).toEqual([]);
      expect(world.ready).toBe('True Succeeded');
    }
  });

  test('is looked at with changed credentials at the resync', async () => {
    await world.created();
    world.writeCredentials(CLOUDS_YAML.replace('username: demo', 'username: other'));
    const logins = world.logins;
    await world.reconcile();
    expect(world.logins).toBe(logins);
    await world.clock.advance(13 * 60_000);
    await world.reconcile();
    expect(world.logins).toBe(logins + 1);
  });

  test('follows what it reads when it is reconciled', async () => {
    world.writeData('ConfigMap', 'params', { size: '1' });
    await world.created({ parametersFrom: [{ configMapRef: { name: 'params' } }] });
    world.writeData('ConfigMap', 'params', { size: '2' });
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
  });

  test('keeps its session while it is suspended', async () => {
    await world.created();
    world.apply({ suspend: true });
    await world.reconcile();
    world.apply({ suspend: false });
    await world.clock.advance(13 * 60_000);
    await world.reconcile();
    expect(world.logins).toBe(1);
  });
});

describe('credentials that the operator may not read', () => {
  beforeEach(() => {
    world.cluster.before = ({ path }) => {
      if (path.endsWith('/secrets/creds')) throw new KubeError('Forbidden', '403', { status: 403 });
    };
  });

  test('are named with the right that is missing', async () => {
    world.apply();
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 60_000 });
    expect(world.ready).toBe('False Forbidden Reconciling');
    expect(world.condition('Ready')?.message).toBe(
      'spec.cloudCredentialsRef: the API server doesn\'t let the operator get Secret "creds" (403); give its ServiceAccount the verb "get" on it, or name another one',
    );
  });
});
