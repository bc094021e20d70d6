import { expect, it } from 'vitest';
import { heatRequests, scenario, slowTemplate } from '../../support/scenario.ts';

const s = scenario('request-count');

it('needs few requests for stacks that take their time', async () => {
  const operator = await s.startOperator();
  const names = ['a', 'b'].map((suffix) => `${s.namespace}-${suffix}`);
  for (const name of names) await s.apply(name, { template: { inline: slowTemplate(12) } });
  for (const name of names) await s.ready(name);
  const requests = heatRequests(operator.log());
  const shared = requests.filter(({ method, route }) => method === 'GET' && route === '/stacks');
  expect(requests.length - shared.length).toBeLessThanOrEqual(4 * names.length);
  expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(names.length);
  // One list for both, ever more seldom.
  expect(shared.length).toBeGreaterThan(3);
  expect(shared.length).toBeLessThan(18);

  const since = operator.log().length;
  for (const name of names) {
    await s.kubectl(['label', 'heatstack', name, 'touched=yes']);
    await s.reconciled(operator, name, since);
  }
  expect(
    operator
      .log()
      .slice(since)
      .filter(({ msg }) => msg === 'cloud request'),
  ).toEqual([]);
  const next = operator.log().findLast(({ msg }) => msg === 'reconciled');
  expect(next?.['requeueAfterMs']).toBeGreaterThan(500_000);

  for (const name of names) await s.delete(name);
  for (const name of names) await s.gone(name);
});
