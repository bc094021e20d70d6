import { expect, it } from 'vitest';
import { eventually, RANDOM_STRING, scenario, slowTemplate } from '../../support/scenario.ts';

const s = scenario('delete-namespace');

it('deletes the stacks though the credentials went first', async () => {
  await s.startOperator();
  const idle = `${s.namespace}-idle`;
  const creating = `${s.namespace}-creating`;
  await s.apply(idle, { template: { inline: RANDOM_STRING } });
  await s.ready(idle);
  await s.apply(creating, { template: { inline: slowTemplate(6) } });
  await s.until(creating, 'being created', ({ status }) => status.stackStatus === 'CREATE_IN_PROGRESS');

  await s.kubectl(['delete', 'namespace', s.namespace, '--wait=false'], { namespaced: false });
  await s.kubectl(['delete', 'secret', '--all']);
  // The worst order: the operator has seen that the Secret is gone before it hears of the deletion.
  await s.notReady(idle, 'CredentialsNotFound');
  await s.kubectl(['delete', 'heatstacks', '--all', '--wait=false']);
  for (const name of [idle, creating]) {
    await s.gone(name);
    expect(await s.stacksNamed(name)).toEqual([]);
  }

  const namespace = JSON.parse(
    await s.kubectl(['get', 'namespace', s.namespace, '-o', 'json'], { namespaced: false }),
  ) as Record<string, unknown>;
  await s.kubectl(['replace', '--raw', `/api/v1/namespaces/${s.namespace}/finalize`, '-f', '-'], {
    namespaced: false,
    stdin: JSON.stringify({ ...namespace, spec: { finalizers: [] } }),
  });
  await eventually(
    async () =>
      (await s.kubectl(['get', 'namespace', s.namespace, '--ignore-not-found'], { namespaced: false })) ===
      '',
    () => 'the namespace is still there',
  );
});
