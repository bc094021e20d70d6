import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKubeConfig } from '../../../src/kube/index.ts';
import { HostileCloud } from '../../support/hostile-cloud.ts';
import { condition, RANDOM_STRING, scenario, underway } from '../../support/scenario.ts';

const s = scenario('endpoints');

/** The hostile Keystones are at the one address of loopback that may be connected to. */
const ALLOWED = '127.0.0.1';
/** Lifts what a test bed's operators are kept to: all that is refused then is refused by itself. */
const EVERYWHERE = ['--allowed-endpoints', `*,${ALLOWED}`];
/** One port on which nobody must call, at other addresses of this machine. */
const listeners: Server[] = [];
let calls = 0;
let port = 0;
let hostile: HostileCloud[] = [];

beforeAll(async () => {
  for (const address of ['127.0.0.2', '::1']) {
    const server = createServer((socket) => {
      calls += 1;
      socket.destroy();
    });
    server.listen(port, address);
    await once(server, 'listening');
    listeners.push(server);
    const bound = server.address();
    port = typeof bound === 'object' ? (bound?.port ?? 0) : 0;
  }
  hostile = await Promise.all(Array.from(PLACES, () => new HostileCloud().start()));
  await s.startOperator(EVERYWHERE);
});

afterAll(async () => {
  for (const server of listeners) server.close();
  await Promise.all(hostile.map((cloud) => cloud.stop()));
});

/** The port is put in for `PORT`, the API server's address for `KUBERNETES`. */
const ADDRESSES = [
  'http://127.0.0.2:PORT',
  'https://127.0.0.2:PORT',
  'http://2130706434:PORT',
  'http://0x7f000002:PORT',
  'http://0177.0.0.2:PORT',
  'http://127.2:PORT',
  'http://127.0.0.2.:PORT',
  'http://%31%32%37.0.0.2:PORT',
  'http://[::1]:PORT',
  'http://[0:0:0:0:0:0:0:1]:PORT',
  'http://[::ffff:127.0.0.2]:PORT',
  'http://[::ffff:7f00:2]:PORT',
  'http://[::127.0.0.2]:PORT',
  'http://[64:ff9b::127.0.0.2]:PORT',
  'http://0.0.0.0:PORT',
  'http://0:PORT',
  'http://[::]:PORT',
  'http://169.254.169.254',
  'http://2852039166',
  'http://[::ffff:169.254.169.254]',
  'http://[fe80::a9fe:a9fe]',
  'http://224.0.0.1',
  'KUBERNETES',
];
/** Those that are tried as Heat's address as well. */
const PLACES = [
  'http://127.0.0.2:PORT',
  'http://[::ffff:127.0.0.2]:PORT',
  'http://169.254.169.254',
  'KUBERNETES',
];

describe.concurrent('is not connected to as Keystone', () => {
  it.each(ADDRESSES.map((address, index) => [address, index] as const))('%s', async (address, index) => {
    const cloud = hostileAt(0);
    await expectRefused(`keystone-${index}`, cloud.cloudsYaml({ auth: { auth_url: `${real(address)}/v3` } }));
  });
});

describe.concurrent('is not connected to as Heat', () => {
  it.each(PLACES.map((address, index) => [address, index] as const))(
    '%s, by the override',
    async (address, index) => {
      const override = `${real(address)}/v1/%(project_id)s`;
      const text = hostileAt(index).cloudsYaml({ orchestration_endpoint_override: override });
      await expectRefused(`override-${index}`, text);
    },
  );

  it.each(PLACES.map((address, index) => [address, index] as const))(
    '%s, by the catalog',
    async (address, index) => {
      const cloud = hostileAt(index);
      cloud.editToken = (token) => {
        const endpoint = { interface: 'public', region: 'RegionOne', url: `${real(address)}/v1` };
        token['catalog'] = [{ type: 'orchestration', endpoints: [endpoint] }];
      };
      await expectRefused(`catalog-${index}`, cloud.cloudsYaml());
    },
  );
});

it('tells nothing of it to anybody', () => {
  expect(calls).toBe(0);
  expect(hostile.flatMap(({ seen }) => seen)).toEqual([]);
});

describe('with the address of the test bed refused as well', () => {
  const other = scenario('endpoints-refused');

  beforeAll(async () => {
    await other.startOperator([...EVERYWHERE, '--refused-endpoints', ALLOWED]);
  });

  it.each(['localhost', 'localhost.', 'LOCALHOST', ALLOWED])('%s leads nowhere', async (host) => {
    const cloud = hostileAt(0);
    const { length } = cloud.signIns;
    const url = `${cloud.origin.replace(ALLOWED, host)}/v3`;
    await expectRefused(`by-name-${length}`, cloud.cloudsYaml({ auth: { auth_url: url } }), other);
    expect(cloud.signIns).toHaveLength(length);
  });
});

function hostileAt(index: number): HostileCloud {
  const cloud = hostile[index];
  if (!cloud) throw new Error('the hostile clouds are not there yet');
  return cloud;
}

function real(address: string): string {
  const kubernetes = loadKubeConfig({ kubeconfig: s.bed.kubeconfig }).getCurrentCluster()?.server ?? '';
  return address.replace('PORT', String(port)).replace('KUBERNETES', kubernetes);
}

/** Makes a HeatStack with these credentials, and checks that it is told what to correct. */
async function expectRefused(name: string, cloudsYaml: string, where = s): Promise<void> {
  await where.writeSecret(name, { 'clouds.yaml': cloudsYaml });
  await where.apply(name, {
    cloudCredentialsRef: { secretName: name, cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
  const object = await where.notReady(name, 'InvalidConfiguration');
  expect(underway(object)).toEqual(['Stalled']);
  const { message } = condition(object, 'Ready') ?? {};
  expect(message).toMatch(/^spec\.cloudCredentialsRef: .*is refused: .*; use .*$/);
  // Heat can't be asked whether there is a stack.
  await where.patch(name, { spec: { managedOptions: { onDelete: 'detach' } } });
  await where.delete(name);
  await where.gone(name);
}
