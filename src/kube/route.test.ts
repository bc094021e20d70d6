import { expect, test } from 'vitest';
import { routeOf } from './route.ts';

const HEAT_STACKS = '/apis/heatstack.dev/v1alpha1';

test.each([
  ['/api/v1/namespaces/kube-system', '/api/v1/namespaces/{name}'],
  ['/api/v1/namespaces', '/api/v1/namespaces'],
  ['/api/v1/secrets', '/api/v1/secrets'],
  ['/api/v1/namespaces/team/secrets', '/api/v1/namespaces/{namespace}/secrets'],
  ['/api/v1/namespaces/team/secrets/namespaces', '/api/v1/namespaces/{namespace}/secrets/{name}'],
  [`${HEAT_STACKS}/heatstacks`, `${HEAT_STACKS}/heatstacks`],
  [
    `${HEAT_STACKS}/namespaces/team/heatstacks/web/status`,
    `${HEAT_STACKS}/namespaces/{namespace}/heatstacks/{name}/status`,
  ],
])('%s is %s', (path, route) => {
  expect(routeOf(path)).toBe(route);
});
