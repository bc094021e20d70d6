import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('digit-name');
const name = '1web';

it('is refused without stackName, and works with it', async () => {
  const template = { inline: RANDOM_STRING };
  await expect(s.applyText(stringify(s.manifest(name, { template })))).rejects.toThrow(
    /spec\.stackName: .*metadata\.name starts with a digit, .*: set spec\.stackName/,
  );
  expect(await s.get(name)).toBeUndefined();

  await s.startOperator();
  await s.apply(name, { template, stackName: s.namespace });
  const object = await s.ready(name);
  expect(object.status.stackName).toBe(s.namespace);
  expect(await s.stacksNamed(s.namespace)).toMatchObject([
    { id: object.status.id, status: 'CREATE_COMPLETE' },
  ]);

  await s.delete(name);
  await s.gone(name);
});
