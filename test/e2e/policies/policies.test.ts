import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ANNOTATIONS, FINALIZER } from '../../../src/api/constants.ts';
import { eventually, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('policies');
const FOLDER = 'deploy/policies/';
const SECRETS = 'who-may-use-secrets';
const NAMES = 'secrets-by-name';
const APPROVE = 'who-may-approve';
const STATUS = 'status-is-the-operators';

/** People of the namespace: HeatStacks alone; also the credentials; also all Secrets and ConfigMaps; also approvals. */
const EDITOR = 'eve';
const AUTHOR = 'ann';
const OWNER = 'otto';
const APPROVER = 'abe';
const VIEWER = 'vic';

const template = { inline: RANDOM_STRING };
const spec = { cloudCredentialsRef: { secretName: 'openstack-clouds', cloudName: 'demo' }, template };
/** No operator runs while most of these tests do, and none may touch what they make. */
const idle = { ...spec, suspend: true };

beforeAll(async () => {
  await s.applyText(readFileSync(`${FOLDER}roles.yaml`, 'utf8'));
  const rbac = 'rbac.authorization.k8s.io';
  const bind = (kind: string, role: string, ...users: string[]) => ({
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: { name: role },
    roleRef: { apiGroup: rbac, kind, name: role },
    subjects: users.map((name) => ({ apiGroup: rbac, kind: 'User', name })),
  });
  const role = (name: string, rule: object) => ({
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata: { name },
    rules: [{ apiGroups: [''], ...rule }],
  });
  const all = { resources: ['secrets', 'configmaps'], verbs: ['get', 'create', 'update'] };
  const objects = [
    bind('ClusterRole', 'heatstack-viewer', VIEWER),
    bind('ClusterRole', 'heatstack-editor', EDITOR, AUTHOR, OWNER, APPROVER),
    role('credentials', {
      resources: ['secrets'],
      resourceNames: ['openstack-clouds', 'inputs'],
      verbs: ['get'],
    }),
    bind('Role', 'credentials', AUTHOR),
    role('settings', { resources: ['configmaps'], resourceNames: ['settings'], verbs: ['get'] }),
    bind('Role', 'settings', AUTHOR),
    role('approve', { apiGroups: ['heatstack.dev'], resources: ['heatstacks'], verbs: ['approve'] }),
    bind('Role', 'approve', APPROVER),
    role('all', all),
    bind('Role', 'all', OWNER),
  ];
  await s.applyText(objects.map((object) => stringify(object)).join('---\n'));
  await s.applyText(stringify(s.manifest('probe', idle)));
  // The API server takes new roles into account a moment later.
  const rights = [
    [OWNER, 'update', 'configmaps/any'],
    [AUTHOR, 'get', 'secrets/openstack-clouds'],
    [EDITOR, 'create', 'heatstacks'],
    [APPROVER, 'approve', 'heatstacks'],
    [VIEWER, 'get', 'heatstacks'],
  ] as const;
  for (const [user, verb, what] of rights) {
    await eventually(
      () => can(user, verb, what),
      () => `${user} may not ${verb} ${what}`,
    );
  }
}, 60_000);

/** Whether a user may; what `kubectl auth can-i` says. */
async function can(user: string, verb: string, what: string, ...args: string[]): Promise<boolean> {
  const answer = await s
    .kubectl(['auth', 'can-i', verb, what, `--as=${user}`, ...args])
    .catch((error: { stdout: string }) => error.stdout);
  return answer.trim() === 'yes';
}

/** Why the API server refuses what a user does; `undefined` when it doesn't. */
async function refusal(user: string | undefined, args: string[], stdin = ''): Promise<string | undefined> {
  const as = user === undefined ? [] : [`--as=${user}`];
  try {
    await s.kubectl([...args, ...as], { stdin });
    return undefined;
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

const tryToCreate = (user: string, wanted: Record<string, unknown>) =>
  refusal(user, ['create', '--dry-run=server', '-f', '-'], stringify(s.manifest('tried', wanted)));
const patch = (user: string | undefined, name: string, change: unknown, ...args: string[]) =>
  refusal(user, ['patch', 'heatstack', name, '--type=merge', '-p', JSON.stringify(change), ...args]);
const create = (user: string, name: string, wanted: Record<string, unknown>) =>
  refusal(user, ['create', '-f', '-'], stringify(s.manifest(name, wanted)));

/** A status that the administrator, who has every right, writes by hand. */
const forge = () => {
  const status = { stackStatus: 'CREATE_COMPLETE' };
  return patch(undefined, 'probe', { status }, '--subresource=status', '--dry-run=server');
};

/** A sample, bound to this namespace alone in the way that its last lines tell, under a name of its own. */
function sample(file: string): string {
  const text = readFileSync(`${FOLDER}${file}.yaml`, 'utf8')
    .replaceAll(/^ {2}# (?=matchResources:| {2}namespaceSelector:)/gm, '  ')
    .replace('kubernetes.io/metadata.name: shop', `kubernetes.io/metadata.name: ${s.namespace}`)
    .replaceAll(`: heatstack-${file}`, `: heatstack-${file}-${s.namespace}`);
  // Without it, the policy would hold for everybody on this API server.
  expect(text).toMatch(
    new RegExp(
      `\\n  matchResources:\\n    namespaceSelector: .*kubernetes\\.io/metadata\\.name: ${s.namespace} `,
    ),
  );
  return text;
}

/** Applies a sample for the tests of this block. The probe is what it refuses: the API server obeys a moment later. */
function withPolicy(file: string, probe: () => Promise<string | undefined>): void {
  beforeAll(async () => {
    expect(await probe()).toBeUndefined();
    await s.applyText(sample(file));
    await eventually(
      async () => (await probe()) !== undefined,
      () => `${file} refuses nothing`,
    );
  }, 60_000);
  afterAll(async () => {
    await s.kubectl(['delete', '-f', '-'], { stdin: sample(file) });
    await eventually(
      async () => (await probe()) === undefined,
      () => `${file} still refuses`,
    );
  }, 60_000);
}

it('all samples are taken as they are', async () => {
  await s.kubectl(['apply', '--dry-run=server', '-f', FOLDER], { namespaced: false });
});

describe('roles.yaml', () => {
  it.each([
    [VIEWER, 'get', 'heatstacks', true],
    [VIEWER, 'create', 'heatstacks', false],
    [EDITOR, 'create', 'heatstacks', true],
    [EDITOR, 'delete', 'heatstacks', true],
    [EDITOR, 'get', 'secrets', false],
  ])('%s may %s %s: %s', async (user, verb, what, expected) => {
    expect(await can(user, verb, what)).toBe(expected);
  });

  it.each([VIEWER, EDITOR])('%s may not write the status', async (user) => {
    for (const verb of ['update', 'patch'])
      expect(await can(user, verb, 'heatstacks', '--subresource=status')).toBe(false);
  });
});

describe('who-may-use-secrets.yaml', () => {
  withPolicy(SECRETS, () => tryToCreate(EDITOR, idle));

  it.each([
    [EDITOR, 'the credentials', {}, 'spec.cloudCredentialsRef.secretName', 'get Secret openstack-clouds'],
    [
      AUTHOR,
      'other credentials',
      { cloudCredentialsRef: { secretName: 'theirs', cloudName: 'demo' } },
      'spec.cloudCredentialsRef.secretName',
      'get Secret theirs',
    ],
    [
      AUTHOR,
      'a template from a Secret',
      { template: { secretKeyRef: { name: 'theirs', key: 'password' } } },
      'spec.template.secretKeyRef',
      'get Secret theirs',
    ],
    [
      AUTHOR,
      'a template from a ConfigMap',
      { template: { configMapKeyRef: { name: 'theirs', key: 'a' } } },
      'spec.template.configMapKeyRef',
      'get ConfigMap theirs',
    ],
    ...(
      [
        ['files', { filesFrom: [{ secretRef: { name: 'theirs' } }] }],
        ['an environment', { environments: [{ secretKeyRef: { name: 'theirs', key: 'a' } }] }],
        [
          'parameters',
          { parametersFrom: [{ configMapRef: { name: 'b' } }, { secretRef: { name: 'theirs' } }] },
        ],
        [
          'a value',
          { parameterValues: [{ name: 'a', valueFrom: { secretKeyRef: { name: 'theirs', key: 'a' } } }] },
        ],
      ] as [string, Record<string, unknown>][]
    ).map(([what, change]): [string, string, Record<string, unknown>, string, string] => [
      AUTHOR,
      `${what} from a Secret`,
      change,
      'spec.filesFrom, environments, parametersFrom or parameterValues',
      'get Secret theirs',
    ]),
    [
      AUTHOR,
      'files from a ConfigMap',
      { filesFrom: [{ configMapRef: { name: 'theirs' } }] },
      'spec.filesFrom, environments, parametersFrom or parameterValues',
      'get ConfigMap theirs',
    ],
    [
      AUTHOR,
      'outputs to a Secret',
      { outputs: { secretName: 'theirs' } },
      'spec.outputs.secretName',
      'create and update Secret theirs',
    ],
    [
      AUTHOR,
      'outputs to a ConfigMap',
      { outputs: { configMapName: 'theirs' } },
      'spec.outputs.configMapName',
      'create and update ConfigMap theirs',
    ],
  ])('refuses %s %s, and grants it to who has the right', async (user, _, change, field, right) => {
    const cure = `give ${user} that right, or let somebody apply the HeatStack who has it`;
    expect(await tryToCreate(user, { ...spec, ...change })).toContain(
      `${field} needs the right to ${right} in namespace ${s.namespace}: ${cure}`,
    );
    expect(await tryToCreate(OWNER, { ...spec, ...change })).toBeUndefined();
  });

  it('a right for one name is enough', async () => {
    expect(await tryToCreate(AUTHOR, spec)).toBeUndefined();
    const parametersFrom = [{ secretRef: { name: 'inputs' } }, { secretRef: { name: 'openstack-clouds' } }];
    const environments = [{ secretKeyRef: { name: 'inputs', key: 'a' } }];
    expect(await tryToCreate(AUTHOR, { ...spec, parametersFrom, environments })).toBeUndefined();
  });

  it.each([
    [
      'several Secrets',
      { parametersFrom: [{ secretRef: { name: 'inputs' } }, { secretRef: { name: 'theirs' } }] },
      'the right to get all Secrets in namespace',
    ],
    [
      'an output, which may be in a Secret',
      { parameterValues: [{ name: 'a', valueFrom: { heatStackOutputRef: { name: 'other', output: 'a' } } }] },
      'the right to get all Secrets in namespace',
    ],
    [
      'several ConfigMaps',
      { filesFrom: [{ configMapRef: { name: 'settings' } }, { configMapRef: { name: 'b' } }] },
      'the right to get all ConfigMaps in namespace',
    ],
  ])('asks for more than names for %s', async (_, change, right) => {
    expect(await tryToCreate(AUTHOR, { ...spec, ...change })).toContain(right);
    expect(await tryToCreate(OWNER, { ...spec, ...change })).toBeUndefined();
  });

  it('judges an object that has no template', async () => {
    const observing = { managementPolicy: 'unmanaged', import: { id: 'a' }, template: undefined };
    expect(await tryToCreate(AUTHOR, { ...spec, ...observing })).toBeUndefined();
    expect(await tryToCreate(EDITOR, { ...spec, ...observing })).toMatch(/get Secret openstack-clouds/);
  });

  it('judges as many names as there can be', async () => {
    const name = 'a'.repeat(253);
    const valueFrom = (index: number) => ({
      secretKeyRef: { name: name.slice(3).concat(`${index}`), key: 'a' },
    });
    const many = {
      filesFrom: Array.from({ length: 32 }, () => ({ configMapRef: { name } })),
      parametersFrom: Array.from({ length: 32 }, () => ({ secretRef: { name } })),
      environments: Array.from({ length: 32 }, () => ({ secretKeyRef: { name, key: 'a' } })),
      parameterValues: Array.from({ length: 256 }, (_, index) => ({
        name: 'a',
        valueFrom: valueFrom(index),
      })),
    };
    expect(await tryToCreate(OWNER, { ...spec, ...many })).toBeUndefined();
    expect(await tryToCreate(AUTHOR, { ...spec, ...many })).toMatch(/needs the right to get/);
  });

  it('asks again of everybody who changes what runs with the credentials', async () => {
    expect(await create(AUTHOR, 'shared', { ...idle, parameters: { a: 1 } })).toBeUndefined();
    const changes = [
      { template: { inline: 'heat_template_version: 2021-04-16' } },
      { parameters: { a: 2 } },
      { parameters: null },
      { tags: ['added'] },
      // Not hidden by what anybody may change.
      { suspend: false, timeout: '5m' },
    ];
    for (const change of changes) {
      expect(await patch(EDITOR, 'shared', { spec: change }, '--dry-run=server')).toMatch(/get Secret/);
      expect(await patch(AUTHOR, 'shared', { spec: change }, '--dry-run=server')).toBeUndefined();
    }
  });

  it('asks nothing of who stops it, lets it go, asks for a look, or deletes it', async () => {
    expect(await create(AUTHOR, 'going', idle)).toBeUndefined();
    expect(await patch(EDITOR, 'going', { metadata: { finalizers: ['example.com/test'] } })).toBeUndefined();
    expect(await patch(EDITOR, 'going', { spec: { suspend: false } })).toBeUndefined();
    const annotations = { 'reconcile.fluxcd.io/requestedAt': 'now' };
    expect(await patch(EDITOR, 'going', { metadata: { annotations } })).toBeUndefined();
    expect(await refusal(EDITOR, ['delete', 'heatstack', 'going', '--wait=false'])).toBeUndefined();
    const detach = { spec: { managedOptions: { onDelete: 'detach' } } };
    expect(await patch(EDITOR, 'going', detach)).toBeUndefined();
    expect(await patch(EDITOR, 'going', { metadata: { finalizers: null } })).toBeUndefined();
    await s.gone('going');
  });

  it('judges large objects too', async () => {
    const text = (size: number) => `heat_template_version: 2018-08-31\n#${'x'.repeat(size)}\n`;
    const parameters = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`p${index}`, [index]]));
    const large = { ...idle, template: { inline: text(500_000) }, files: { a: text(400_000) }, parameters };
    expect(await create(AUTHOR, 'large', large)).toBeUndefined();
    const change = JSON.stringify({ spec: { parameters: { p999: 'changed' } } });
    const args = ['patch', 'heatstack', 'large', '--type=merge', '--dry-run=server', '-p', change];
    expect(await refusal(AUTHOR, args)).toBeUndefined();
    expect(await refusal(EDITOR, args)).toMatch(/get Secret openstack-clouds/);
  });
});

describe('secrets-by-name.yaml', () => {
  const other = { cloudCredentialsRef: { secretName: 'clouds', cloudName: 'demo' } };
  beforeAll(async () => {
    expect(await create(OWNER, 'before', { ...idle, ...other })).toBeUndefined();
  });
  withPolicy(NAMES, () => tryToCreate(OWNER, { ...idle, ...other }));

  it.each([
    [
      'credentials of another name',
      other,
      'spec.cloudCredentialsRef.secretName must begin with "openstack-": give the Secret',
    ],
    [
      'a template from a Secret',
      { template: { secretKeyRef: { name: 'openstack-clouds', key: 'clouds.yaml' } } },
      "spec.template.secretKeyRef isn't allowed here: put the template into inline, object or a ConfigMap",
    ],
    [
      'parameters from a Secret of another name',
      {
        parametersFrom: [{ secretRef: { name: 'heat-a' } }],
        parameterValues: [{ name: 'a', valueFrom: { secretKeyRef: { name: 'theirs', key: 'a' } } }],
      },
      'parametersFrom and parameterValues must begin with "heat-": give them such names',
    ],
    [
      'files from a Secret of another name',
      { filesFrom: [{ secretRef: { name: 'theirs' } }] },
      'must begin with "heat-": give them such names',
    ],
    [
      'outputs to a Secret of another name',
      { outputs: { secretName: 'theirs', configMapName: 'heat-a' } },
      'spec.outputs.secretName and configMapName must begin with "heat-": take such a name',
    ],
    [
      'outputs to a ConfigMap of another name',
      { outputs: { configMapName: 'theirs' } },
      'spec.outputs.secretName and configMapName must begin with "heat-": take such a name',
    ],
  ])('refuses %s', async (_, change, message) => {
    expect(await tryToCreate(OWNER, { ...spec, ...change })).toContain(message);
  });

  it.each([
    ['the names that it asks for', { outputs: { secretName: 'heat-a', configMapName: 'heat-b' } }],
    ['outputs in the status', { outputs: { inStatus: ['*'] } }],
    [
      'inputs from everywhere',
      {
        filesFrom: [{ secretRef: { name: 'heat-a' } }, { configMapRef: { name: 'any' } }],
        environments: [{ secretKeyRef: { name: 'heat-a', key: 'a' } }],
        parametersFrom: [{ secretRef: { name: 'heat-a' } }],
        parameterValues: [{ name: 'a', valueFrom: { heatStackOutputRef: { name: 'any', output: 'a' } } }],
      },
    ],
    ['no template', { managementPolicy: 'unmanaged', import: { id: 'a' }, template: undefined }],
    ['a template from a ConfigMap', { template: { configMapKeyRef: { name: 'any', key: 'a' } } }],
  ])('takes %s', async (_, change) => {
    expect(await tryToCreate(OWNER, { ...spec, ...change })).toBeUndefined();
  });

  it('lets an object of before go', async () => {
    expect(await patch(OWNER, 'before', { spec: { tags: ['changed'] } })).toMatch(/must begin with/);
    const metadata = { finalizers: ['example.com/test'] };
    expect(await patch(OWNER, 'before', { metadata })).toBeUndefined();
    expect(await refusal(OWNER, ['delete', 'heatstack', 'before', '--wait=false'])).toBeUndefined();
    const detach = { spec: { managedOptions: { onDelete: 'detach' } } };
    expect(await patch(OWNER, 'before', detach)).toBeUndefined();
    expect(await patch(OWNER, 'before', { metadata: { finalizers: null } })).toBeUndefined();
    await s.gone('before');
  });
});

describe('who-may-approve.yaml', () => {
  const approve = (id: string) => ({ metadata: { annotations: { [ANNOTATIONS.approve]: id } } });
  const refused = /the right to approve heatstacks\.heatstack\.dev in namespace/;
  const rule = { resourceTypes: ['OS::Nova::Server'], operations: ['replace'] };
  beforeAll(async () => {
    expect(await create(OWNER, 'careful', { ...idle, approval: 'manual', protect: [rule] })).toBeUndefined();
    expect(await create(OWNER, 'free', idle)).toBeUndefined();
  });
  withPolicy(APPROVE, () => patch(EDITOR, 'careful', approve('probe'), '--dry-run=server'));

  it('refuses the approval of who has not the right, and takes that of who has', async () => {
    expect(await patch(OWNER, 'careful', approve('p1'))).toMatch(refused);
    expect(await patch(APPROVER, 'careful', approve('p1'))).toBeUndefined();
    // What is approved already hinders nobody, and may be taken back.
    expect(await patch(EDITOR, 'careful', { spec: { tags: ['changed'] } })).toBeUndefined();
    expect(await patch(EDITOR, 'careful', approve('p2'))).toMatch(refused);
    expect(await patch(EDITOR, 'careful', { metadata: { annotations: null } })).toBeUndefined();
  });

  it('refuses to be got round', async () => {
    for (const spec of [{ approval: 'automatic' }, { approval: null }, { protect: null }, { protect: [] }]) {
      expect(await patch(EDITOR, 'careful', { spec }, '--dry-run=server')).toMatch(refused);
      expect(await patch(APPROVER, 'careful', { spec }, '--dry-run=server')).toBeUndefined();
    }
    const copy = s.manifest('copy', idle, approve('p1').metadata);
    expect(await refusal(EDITOR, ['create', '-f', '-'], stringify(copy))).toMatch(refused);
  });

  it('lets everybody be more careful', async () => {
    const protect = [{ ...rule, operations: ['delete'] }, rule];
    expect(await patch(EDITOR, 'careful', { spec: { protect } })).toBeUndefined();
    expect(await patch(EDITOR, 'free', { spec: { protect, approval: 'manual' } })).toBeUndefined();
  });
});

describe('status-is-the-operators.yaml', () => {
  beforeAll(async () => {
    await s.applyText(stringify(s.manifest('stack', idle)));
    await s.patch('stack', { metadata: { finalizers: [FINALIZER, 'example.com/test'] } });
  });
  withPolicy(STATUS, forge);

  it('refuses a status from anybody else', async () => {
    expect(await forge()).toContain(
      'the status of a HeatStack is written by the operator alone: change the spec, or ask with the annotation',
    );
  });

  it('refuses to let anybody else take the finalizer away', async () => {
    const removals = [null, [], ['example.com/test']];
    for (const finalizers of removals) {
      expect(await patch(undefined, 'stack', { metadata: { finalizers } })).toContain(
        'set spec.managedOptions.onDelete to detach',
      );
    }
    expect(await patch(undefined, 'stack', { metadata: { finalizers: [FINALIZER] } })).toBeUndefined();
  });

  it('leaves everything else to who has the right', async () => {
    expect(await patch(EDITOR, 'stack', { spec: { tags: ['changed'] } })).toBeUndefined();
    expect(await refusal(EDITOR, ['delete', 'heatstack', 'stack', '--wait=false'])).toBeUndefined();
    const operator = 'system:serviceaccount:heatstack-system:heatstack-operator';
    expect(await patch(operator, 'stack', { metadata: { finalizers: null } })).toBeUndefined();
  });
});

describe('all of them together', () => {
  withPolicy(SECRETS, () => tryToCreate(EDITOR, idle));
  withPolicy(NAMES, () => tryToCreate(OWNER, { template: { secretKeyRef: { name: 'a', key: 'b' } } }));
  withPolicy(APPROVE, () =>
    refusal(EDITOR, ['annotate', 'heatstack/probe', `${ANNOTATIONS.approve}=a`, '--dry-run=server']),
  );
  withPolicy(STATUS, forge);

  it('leave the operator its work, from create to delete', async () => {
    await s.startOperator();
    const name = `${s.namespace}-whole`;
    const outputs = { secretName: 'heat-whole' };
    expect(await create(OWNER, name, { ...spec, outputs })).toBeUndefined();
    await s.ready(name);
    expect(await patch(OWNER, name, { spec: { tags: ['changed'] } })).toBeUndefined();
    await s.ready(name);
    expect(await refusal(OWNER, ['delete', 'heatstack', name, '--wait=false'])).toBeUndefined();
    await s.gone(name);
  });
});
