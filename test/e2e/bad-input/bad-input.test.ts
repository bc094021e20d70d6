import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, type Operator, RANDOM_STRING, scenario, underway } from '../../support/scenario.ts';
import { HIDDEN_VALUE } from '../../support/secrets.ts';

const s = scenario('bad-input');
const PASSWORD = 'canary-of-bad-input-5d2e';
const template = { inline: RANDOM_STRING };
const goodClouds = () => readFileSync(s.bed.clouds, 'utf8');
const stackName = (test: string) => `${s.namespace}-${test}`;

let operator: Operator;
beforeAll(async () => {
  operator = await s.startOperator();
}, 60_000);

/** Waits for the problem, and checks that it is told as it should be. */
async function problem(
  name: string,
  expected: { reason: string; is: 'Reconciling' | 'Stalled'; says: (string | RegExp)[] },
): Promise<HeatStack> {
  const object = await s.notReady(name, expected.reason);
  const ready = condition(object, 'Ready');
  expect(ready?.status).toBe('False');
  expect(underway(object)).toEqual([expected.is]);
  for (const words of expected.says) expect(ready?.message).toMatch(words);
  const told = JSON.stringify([object.status, await s.events(name), operator.log()]);
  expect(told).not.toContain(PASSWORD);
  expect(told).not.toContain(HIDDEN_VALUE);
  return object;
}

async function heals(name: string): Promise<void> {
  const object = await s.ready(name);
  expect(underway(object)).toEqual([]);
  await s.delete(name);
  await s.gone(name);
}

describe.concurrent('credentials', () => {
  const cases = [
    {
      what: 'no clouds.yaml',
      data: { 'cloud.yaml': PASSWORD },
      reason: 'CredentialsNotFound',
      is: 'Reconciling',
      says: [/has no key "clouds\.yaml"/, /create it|add it/],
    },
    {
      what: 'invalid YAML',
      data: { 'clouds.yaml': `clouds:\n  demo:\n    auth: { password: ${PASSWORD}\n  other: ]` },
      reason: 'InvalidConfiguration',
      is: 'Stalled',
      says: [/clouds\.yaml: it is not valid YAML at line \d+, column \d+/, /correct it/],
    },
    {
      what: 'unknown cloud',
      data: { 'clouds.yaml': `clouds:\n  production:\n    auth: { password: ${PASSWORD} }\n` },
      reason: 'InvalidConfiguration',
      is: 'Stalled',
      says: [/no cloud "demo" \(it has: production\)/, /correct the name or add it/],
    },
    {
      what: 'unsupported auth_type',
      data: {
        'clouds.yaml': `clouds:\n  demo:\n    auth_type: v3oidcpassword\n    auth: { password: ${PASSWORD} }\n`,
      },
      reason: 'InvalidConfiguration',
      is: 'Stalled',
      says: [
        /cloud "demo": auth_type: v3oidcpassword is not supported: a federated login/,
        /it can be password, /,
      ],
    },
  ] as const;
  it.for(cases)('$what', async ({ what, data, reason, is, says }) => {
    const secretName = what.toLowerCase().replaceAll(/\W/g, '-').replaceAll('_', '-');
    const name = stackName(secretName);
    await s.writeSecret(secretName, data);
    await s.apply(name, { template, cloudCredentialsRef: { secretName, cloudName: 'demo' } });
    await problem(name, {
      reason,
      is,
      says: ['spec.cloudCredentialsRef', `Secret "${secretName}"`, ...says],
    });
    expect(await s.stacksNamed(name)).toEqual([]);

    await s.writeSecret(secretName, { 'clouds.yaml': goodClouds() });
    await heals(name);
  });
});

describe.concurrent('inputs', () => {
  it('two sources of a template', async () => {
    const name = stackName('two-sources');
    const two = { ...template, object: { heat_template_version: '2018-08-31' } };
    await expect(s.applyText(stringify(s.manifest(name, { template: two })))).rejects.toThrow(
      /spec\.template: .*exactly one source/,
    );
    expect(await s.get(name)).toBeUndefined();
  });

  it('an environment with a section that Heat does not know', async () => {
    const name = stackName('section');
    await s.apply(name, { template, environments: [{ object: {} }, { inline: 'parameter: { size: 3 }' }] });
    await problem(name, {
      reason: 'InvalidConfiguration',
      is: 'Stalled',
      says: [/spec\.environments\[1\]: unknown section "parameter"; Heat knows parameters, /],
    });
    await s.apply(name, { template, environments: [{ object: {} }, { inline: 'parameters: {}' }] });
    await heals(name);
  });

  it('a template in a ConfigMap that is not there', async () => {
    const name = stackName('missing');
    await s.apply(name, { template: { configMapKeyRef: { name: 'missing', key: 'web.yaml' } } });
    await problem(name, {
      reason: 'DependencyNotReady',
      is: 'Reconciling',
      says: [/spec\.template\.configMapKeyRef: there is no ConfigMap "missing" in this namespace; create it/],
    });
    await s.writeConfigMap('missing', { 'other.yaml': RANDOM_STRING });
    await s.until(name, 'without its key', (object) =>
      /ConfigMap "missing" has no key "web\.yaml"; add it/.test(condition(object, 'Ready')?.message ?? ''),
    );
    await s.writeConfigMap('missing', { 'web.yaml': RANDOM_STRING });
    await heals(name);
  });

  it('a template over the limit of Heat', async () => {
    const name = stackName('too-large');
    await s.writeConfigMap('too-large', { 'web.yaml': RANDOM_STRING });
    await s.apply(name, { template: { configMapKeyRef: { name: 'too-large', key: 'web.yaml' } } });
    const healthy = await s.ready(name);

    const line = `# ${'-'.repeat(97)}\n`;
    await s.writeConfigMap('too-large', { 'web.yaml': RANDOM_STRING + line.repeat(6_000) });
    const object = await problem(name, {
      reason: 'ValidationFailed',
      is: 'Stalled',
      says: [/400 RequestLimitExceeded to PUT .*exceeds maximum allowed size \(524288 bytes\)/],
    });
    expect(condition(object, 'Available')?.status).toBe('True');
    expect(object.status.appliedDigest).toBe(healthy.status.appliedDigest);
    expect(await s.stacksNamed(name)).toMatchObject([{ id: healthy.status.id, status: 'CREATE_COMPLETE' }]);

    await s.writeConfigMap('too-large', { 'web.yaml': RANDOM_STRING + line });
    await heals(name);
  });

  it('a hidden parameter that Heat refuses, and quotes', async () => {
    const name = stackName('hidden');
    const secret = (limit: number) => `${RANDOM_STRING}parameters:
  password:
    type: string
    hidden: true
    default: ${HIDDEN_VALUE}
    constraints: [{ length: { max: ${limit} } }]
`;
    await s.writeSecret('hidden', { 'web.yaml': secret(3) });
    await s.apply(name, { template: { secretKeyRef: { name: 'hidden', key: 'web.yaml' } } });
    await problem(name, { reason: 'ValidationFailed', is: 'Stalled', says: [/400 /, /password/] });
    await s.writeSecret('hidden', { 'web.yaml': secret(300) });
    await heals(name);
  });
});
