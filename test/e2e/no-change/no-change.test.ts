import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { heatRequests, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('no-change');
const name = s.namespace;

async function version(): Promise<string> {
  return (await s.get(name))?.metadata.resourceVersion ?? 'gone';
}

/** Requests to Heat so far. */
function requests(operator: Operator): number {
  return heatRequests(operator.log()).length;
}

it('leaves an unchanged stack and object alone', async () => {
  let operator = await s.startOperator();
  const manifest = stringify(
    s.manifest(name, { template: { inline: RANDOM_STRING }, parameters: {}, tags: ['b', 'a'] }),
  );
  await s.applyText(manifest);
  const before = await s.ready(name);
  const asked = requests(operator);
  let expected = await version();

  /** Waits until the operator has dealt with what was done, and shows that it did nothing itself. */
  const untouched = async (since: number) => {
    await s.reconciled(operator, name, since);
    expect(requests(operator)).toBe(asked);
    expect(await version()).toBe(expected);
  };
  const restart = async () => {
    await operator.stop();
    const since = operator.log().length;
    operator = await s.startOperator();
    await untouched(since);
  };
  await restart();

  // Twice, since the first look after a start is a special one.
  for (const value of ['one', 'two']) {
    const since = operator.log().length;
    await s.kubectl(['label', '--overwrite', 'heatstack', name, `touched=${value}`]);
    expected = await version();
    await untouched(since);
  }

  expect(await s.applyText(manifest)).toContain('unchanged');
  expect(await version()).toBe(expected);

  // Writes managedFields alone: a new version, the same generation.
  const since = operator.log().length;
  await s.applyText(manifest, ['--server-side']);
  expect(await version()).not.toBe(expected);
  expected = await version();
  await untouched(since);
  await restart();

  const after = await s.get(name);
  expect(after?.metadata.generation).toBe(1);
  expect(after?.status).toEqual(before.status);
  expect((await s.events(name)).map(({ reason }) => reason)).toEqual(['StackCreating', 'StackCreated']);

  await s.delete(name);
  await s.gone(name);
});
