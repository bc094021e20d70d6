import { expect, it } from 'vitest';
import { HEAT_STACKS } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { heatRequests, type LogLine, scenario, slowTemplate } from '../../support/scenario.ts';

const s = scenario('together');
const STACKS = 10;
const names = Array.from({ length: STACKS }, (_, index) => `${s.namespace}-${index}`);

it('needs few requests for stacks that change at once: one look at several, none to see whose update ended', async () => {
  const operator = await s.startOperator();
  for (const name of names) await s.apply(name, { template: { inline: slowTemplate(3) } });
  for (const name of names) await s.ready(name);

  let since = operator.log().length;
  const requests = (): LogLine[] => heatRequests(operator.log().slice(since));
  const count = (...routes: string[]): number =>
    requests().filter(({ method, route }) => routes.includes(`${method} ${route}`)).length;

  await Promise.all(
    names.map((name) =>
      s.kube.mergePatch<HeatStack>(
        HEAT_STACKS,
        { namespace: s.namespace, name },
        { spec: { template: { inline: slowTemplate(3, 'two') } } },
      ),
    ),
  );
  for (const name of names) await s.ready(name);
  expect(count('PUT /stacks/{name}/{id}')).toBe(STACKS);
  expect(count('GET /stacks/{name}/{id}/environment')).toBe(0);
  expect(count('GET /stacks/{name}/{id}/resources')).toBe(STACKS);
  // One after the end of each, and the looks before that were alone. How many lists there are is a matter of time.
  expect(count('GET /stacks/{name}/{id}')).toBeLessThan(2 * STACKS);
  expect(count('GET /stacks')).toBeGreaterThan(0);
  expect(requests().length - count('GET /stacks')).toBeLessThan(4 * STACKS);

  since = operator.log().length;
  await Promise.all(names.map((name) => s.kube.delete(HEAT_STACKS, { namespace: s.namespace, name })));
  for (const name of names) await s.gone(name);
  expect(count('DELETE /stacks/{name}/{id}')).toBe(STACKS);
  expect(count('GET /stacks/{name}/{id}')).toBeLessThan(STACKS / 2);
  expect(requests().length - count('GET /stacks')).toBeLessThan(1.5 * STACKS);
});
