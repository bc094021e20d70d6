import { expect, it } from 'vitest';
import { install, installed, kubectl } from '../support/installation.ts';
import { operatorPods } from '../support/pods.ts';

const VALUES = { replicas: 2, leaderElection: { enabled: true }, networkPolicy: { enabled: true } };
const release = installed(VALUES);
const POD = 'heatstack-operator-check';

const helmTest = (): Promise<string> => release.helm(['test', release.name, '--timeout', '1m', '--logs']);

it('passes, and leaves nothing', async () => {
  const said = await helmTest();
  expect(said).toMatch(/Phase:\s+Succeeded/);
  const pods = await operatorPods(release);
  expect(pods).toHaveLength(2);
  expect(await kubectl(['get', 'pods', '-n', release.namespace, '-o', 'name'])).not.toContain(POD);
});

it('fails, and says what is missing', async () => {
  await install(release, { ...VALUES, rbac: { create: false } });
  await expect(helmTest()).rejects.toThrow(/failed/);
  const log = await kubectl(['logs', '-n', release.namespace, POD]);
  expect(log).toMatch(/^✗ .*heatstacks.heatstack.dev is forbidden/m);
  expect(log).toMatch(/^✗ may not get heatstacks.heatstack.dev in all namespaces, list /m);
  expect(log).toMatch(/^✗ .*leases.coordination.k8s.io "heatstack-operator" is forbidden/m);
});
