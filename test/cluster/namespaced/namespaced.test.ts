import { afterAll, expect, it } from 'vitest';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { oneStackEach } from '../support/heat.ts';
import { install, installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { kubectlOfPod } from '../support/pods.ts';

const release = installed();
const s = scenario('namespaced');
const OTHER = `${s.namespace}-other`;
afterAll(() => kubectl(['delete', 'namespace', OTHER, '--ignore-not-found']));

/** Objects of the release, with their namespaces. */
async function ofRelease(kinds: string): Promise<string[]> {
  const template = '{range .items[*]}{.kind} {.metadata.namespace}{"\\n"}{end}';
  const selector = `app.kubernetes.io/instance=${release.name}`;
  const text = await kubectl(['get', kinds, '-A', '-l', selector, '-o', `jsonpath=${template}`]);
  return [...new Set(text.split('\n').filter(Boolean))].map((line) => line.trim()).sort();
}

it('works in the listed namespace, and has no right outside of it', async () => {
  const clusterWide = 'clusterroles,clusterrolebindings,validatingadmissionpolicies';
  expect(await ofRelease(clusterWide)).toContain('ClusterRoleBinding');
  await install(release, { watchNamespaces: [s.namespace], clusterID: 'namespaced' });
  expect(await ofRelease(`${clusterWide},validatingadmissionpolicybindings`)).toEqual([]);
  const namespaces = [NAMESPACE, s.namespace].sort();
  expect(await ofRelease('roles,rolebindings')).toEqual([
    ...namespaces.map((each) => `Role ${each}`),
    ...namespaces.map((each) => `RoleBinding ${each}`),
  ]);

  const [inside, outside] = [`${s.namespace}-inside`, `${s.namespace}-outside`];
  const spec = { template: { inline: RANDOM_STRING } };
  await s.createNamespace(OTHER);
  const version = ['-n', OTHER, '-o', 'jsonpath={.metadata.resourceVersion}'];
  const created = await kubectl(['create', '-f', '-', ...version], JSON.stringify(s.manifest(outside, spec)));
  await s.apply(inside, spec);
  await oneStackEach(s, [inside]);
  expect(await kubectl(['get', 'heatstack', outside, ...version])).toBe(created);

  const asOperator = await kubectlOfPod(release);
  expect(await asOperator(['get', 'heatstacks', '-n', s.namespace, '-o', 'name'])).toContain(inside);
  for (const where of [['-n', OTHER], ['-A']])
    for (const kind of ['heatstacks', 'secrets', 'configmaps'])
      await expect(asOperator(['get', kind, ...where])).rejects.toThrow(/is forbidden/);
});
