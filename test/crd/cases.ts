/** Good and bad manifests for the API server to judge. */
import { type Json, type JsonObject, rawNumber } from '../../src/json.ts';

const BASE: JsonObject = {
  cloudCredentialsRef: { secretName: 'openstack-clouds', cloudName: 'demo' },
  template: { inline: 'heat_template_version: 2018-08-31\n' },
};

/** A change of the base's spec: a member that is `undefined` is taken out. */
export type SpecChange = { [member: string]: Json | undefined };

/** A HeatStack with these members in its spec besides those that every spec needs. */
export function heatStack(name: string, change: SpecChange = {}): JsonObject {
  const spec = Object.entries({ ...BASE, ...change }).filter((entry): entry is [string, Json] => {
    return entry[1] !== undefined;
  });
  return {
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    metadata: { name },
    spec: Object.fromEntries(spec),
  };
}

export interface CreateCase {
  title: string;
  name?: string;
  spec?: SpecChange;
  /** What the refusal says; without it the manifest must be taken. */
  refused?: RegExp;
}

const ONE_TEMPLATE = /spec\.template: .*keep one of inline, object, configMapKeyRef and secretKeyRef/;
const ONE_ENVIRONMENT = /spec\.environments\[0\]: .*keep one of inline and object/;
const NOT_A_NAME = /spec\.stackName.* should match '\^\[a-zA-Z\]/;
const letters = (count: number) => 'a'.repeat(count);

const duration = (
  member: string,
  change: (value: string) => SpecChange,
  good: string[],
  bad: [string, RegExp][],
) => [
  ...good.map((value) => ({ title: `${member} ${value}`, spec: change(value) })),
  ...bad.map(([value, refused]) => ({ title: `${member} ${value}`, spec: change(value), refused })),
];

export const CREATE_CASES: CreateCase[] = [
  { title: 'the least there can be' },

  { title: 'no template', spec: { template: undefined }, refused: /spec\.template: Required value/ },
  { title: 'no template source', spec: { template: {} }, refused: ONE_TEMPLATE },
  {
    title: 'inline and object',
    spec: { template: { inline: 'a', object: { a: 1 } } },
    refused: ONE_TEMPLATE,
  },
  {
    title: 'inline and configMapKeyRef',
    spec: { template: { inline: 'a', configMapKeyRef: { name: 'a', key: 'b' } } },
    refused: ONE_TEMPLATE,
  },
  {
    title: 'all four sources',
    spec: {
      template: {
        inline: 'a',
        object: {},
        configMapKeyRef: { name: 'a', key: 'b' },
        secretKeyRef: { name: 'a', key: 'b' },
      },
    },
    refused: ONE_TEMPLATE,
  },
  {
    title: 'an object',
    spec: { template: { object: { heat_template_version: '2018-08-31', resources: null } } },
  },
  { title: 'an empty object', spec: { template: { object: {} } } },
  {
    title: 'a template from a ConfigMap',
    spec: { template: { configMapKeyRef: { name: 'web.v1', key: 'a_B-c.yaml' } } },
  },
  {
    title: 'a template from a Secret',
    spec: { template: { secretKeyRef: { name: 'web', key: 'template' } } },
  },
  { title: 'an empty text', spec: { template: { inline: '' } }, refused: /should be at least 1 chars long/ },
  { title: 'a template of 1 MiB', spec: { template: { inline: letters(1_048_576) } } },
  {
    title: 'a template over 1 MiB',
    spec: { template: { inline: letters(1_048_577) } },
    refused: /may not be more than 1048576/,
  },
  {
    title: 'a reference without a key',
    spec: { template: { configMapKeyRef: { name: 'a' } } },
    refused: /key: Required value/,
  },
  {
    title: 'a reference that leaves its folder',
    spec: { template: { secretKeyRef: { name: '../../a', key: 'b' } } },
    refused: /secretKeyRef\.name.* should match/,
  },
  {
    title: 'a key that a ConfigMap cannot have',
    spec: { template: { configMapKeyRef: { name: 'a', key: 'a/b' } } },
    refused: /configMapKeyRef\.key.* should match/,
  },
  {
    title: 'a URL',
    spec: { template: { url: 'https://example.com/web.yaml' } },
    refused: /unknown field "spec\.template\.url"/,
  },

  {
    title: 'no credentials',
    spec: { cloudCredentialsRef: undefined },
    refused: /spec\.cloudCredentialsRef: Required value/,
  },
  {
    title: 'credentials without a cloud',
    spec: { cloudCredentialsRef: { secretName: 'a' } },
    refused: /spec\.cloudCredentialsRef\.cloudName: Required value/,
  },
  {
    title: 'credentials with a region',
    spec: { cloudCredentialsRef: { secretName: 'a', cloudName: 'b', regionName: 'RegionOne' } },
  },
  {
    title: 'a Secret of another namespace',
    spec: { cloudCredentialsRef: { secretName: 'other/a', cloudName: 'b' } },
    refused: /secretName.* should match/,
  },

  {
    title: 'a name that starts with a digit',
    name: '1web',
    refused: /spec\.stackName: .*metadata\.name starts with a digit.*: set spec\.stackName/,
  },
  { title: 'such a name with a stackName', name: '1web', spec: { stackName: 'web1' } },
  {
    title: 'the name "detail"',
    name: 'detail',
    refused: /can't address a stack named "detail" or "preview".*: set spec\.stackName/,
  },
  { title: 'the name "preview" with a stackName', name: 'preview', spec: { stackName: 'preview-1' } },
  { title: 'a name of 253 characters', name: letters(253) },
  { title: 'a stackName of 255 characters', spec: { stackName: letters(255) } },
  {
    title: 'a stackName of 256 characters',
    spec: { stackName: letters(256) },
    refused: /may not be more than 255/,
  },
  { title: 'a stackName of all that may be in it', spec: { stackName: 'Ab_9.-' } },
  { title: 'a stackName that starts with a digit', spec: { stackName: '1web' }, refused: NOT_A_NAME },
  { title: 'a stackName with a space', spec: { stackName: 'my web' }, refused: NOT_A_NAME },
  { title: 'a stackName with a slash', spec: { stackName: 'web/1' }, refused: NOT_A_NAME },
  { title: 'an empty stackName', spec: { stackName: '' }, refused: /should be at least 1 chars long/ },
  {
    title: 'the stackName "preview"',
    spec: { stackName: 'preview' },
    refused: /are paths of Heat's API.*take another name/,
  },

  { title: 'files', spec: { files: { 'web.yaml': 'a', 'file:///b/c.yaml': '' } } },
  {
    title: 'a file that is not text',
    spec: { files: { a: 1 } },
    refused: /spec\.files\.a: .*must be of type string/,
  },
  {
    title: 'more than 256 files',
    spec: { files: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`f${i}`, ''])) },
    refused: /must have at most 256/,
  },

  {
    title: 'environments',
    spec: { environments: [{ inline: '' }, { object: { parameters: { a: [1, null] } } }] },
  },
  { title: 'an environment without a source', spec: { environments: [{}] }, refused: ONE_ENVIRONMENT },
  {
    title: 'an environment of two sources',
    spec: { environments: [{ inline: 'a', object: {} }] },
    refused: ONE_ENVIRONMENT,
  },
  {
    title: 'more than 32 environments',
    spec: { environments: Array.from({ length: 33 }, () => ({ inline: '' })) },
    refused: /must have at most 32 items/,
  },

  {
    title: 'parameters of every type',
    spec: {
      parameters: {
        text: '1.10',
        number: 1.5,
        big: rawNumber('9007199254740993'),
        flag: true,
        list: [1, 'a', { b: null }],
        map: { a: { b: [] } },
        'odd name/é': '',
      },
    },
  },
  {
    title: 'parameters that are a list',
    spec: { parameters: ['a'] },
    refused: /spec\.parameters: .*must be of type object/,
  },
  {
    title: 'more than 1000 parameters',
    spec: { parameters: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`p${i}`, i])) },
    refused: /must have at most 1000/,
  },

  { title: 'tags', spec: { tags: ['a', 'team=shop', letters(80)] } },
  {
    title: 'a tag with a comma',
    spec: { tags: ['a', 'b,c'] },
    refused: /spec\.tags\[1\]: .*can't hold a comma.*write two tags/,
  },
  { title: 'a tag of 81 characters', spec: { tags: [letters(81)] }, refused: /may not be more than 80/ },
  { title: 'an empty tag', spec: { tags: [''] }, refused: /should be at least 1 chars long/ },
  {
    title: "a tag of the operator's own",
    spec: { tags: ['heatstack.dev/object=other/web'] },
    refused: /spec\.tags\[0\]: .*operator's own.*take another prefix/,
  },
  {
    title: 'more than 50 tags',
    spec: { tags: Array.from({ length: 51 }, (_, i) => `t${i}`) },
    refused: /must have at most 50 items/,
  },

  ...duration(
    'timeout',
    (timeout) => ({ timeout }),
    ['1m', '90s', '1h30m', '1.5h', '168h', '60000ms'],
    [
      ['59s', /timeout must be from 1m to 168h/],
      ['0s', /timeout must be from 1m to 168h/],
      ['169h', /timeout must be from 1m to 168h/],
      ['60', /spec\.timeout.* should match/],
      ['-5m', /spec\.timeout.* should match/],
      ['1d', /spec\.timeout.* should match/],
      ['9'.repeat(30).concat('h'), /spec\.timeout/],
    ],
  ),
  {
    title: 'a timeout that is a number',
    spec: { timeout: 60 },
    refused: /spec\.timeout: .*must be of type string/,
  },
  ...duration(
    'resyncPeriod',
    (resyncPeriod) => ({ resyncPeriod }),
    ['0s', '0m', '10s', '10m', '168h'],
    [
      ['9s', /resyncPeriod must be "0s" \(off\) or from 10s to 168h/],
      ['10', /spec\.resyncPeriod.* should match/],
      ['1ms', /resyncPeriod must be "0s" \(off\) or from 10s to 168h/],
      ['200h', /resyncPeriod must be "0s" \(off\) or from 10s to 168h/],
    ],
  ),
  ...duration(
    'resources.refreshPeriod',
    (refreshPeriod) => ({ resources: { refreshPeriod } }),
    ['0s', '10s'],
    [
      ['5s', /refreshPeriod must be "0s" \(off\) or from 10s to 168h/],
      ['1h5', /spec\.resources\.refreshPeriod.* should match/],
    ],
  ),
  ...duration(
    'remediation.retryInterval',
    (retryInterval) => ({ remediation: { retryInterval } }),
    ['1s', '15m'],
    [
      ['0s', /retryInterval must be from 1s to 15m/],
      ['1', /spec\.remediation\.retryInterval.* should match/],
      ['16m', /retryInterval must be from 1s to 15m/],
    ],
  ),

  { title: 'flags', spec: { rollbackOnFailure: true, suspend: true } },
  {
    title: 'a flag that is text',
    spec: { suspend: 'yes' },
    refused: /spec\.suspend: .*must be of type boolean/,
  },
  { title: 'onDelete detach', spec: { managedOptions: { onDelete: 'detach' } } },
  {
    title: 'onDelete keep',
    spec: { managedOptions: { onDelete: 'keep' } },
    refused: /onDelete: Unsupported value: "keep"/,
  },
  { title: 'onExternalDeletion stall', spec: { onExternalDeletion: 'stall' } },
  {
    title: 'onExternalDeletion ignore',
    spec: { onExternalDeletion: 'ignore' },
    refused: /onExternalDeletion: Unsupported value/,
  },

  {
    title: 'remediation of create',
    spec: { remediation: { create: { strategy: 'recreate', retries: 100 } } },
  },
  { title: 'remediation of update', spec: { remediation: { update: { strategy: 'none', retries: 0 } } } },
  {
    title: 'recreate after a failed update',
    spec: { remediation: { update: { strategy: 'recreate' } } },
    refused: /update\.strategy: Unsupported value: "recreate"/,
  },
  {
    title: 'negative retries',
    spec: { remediation: { create: { retries: -1 } } },
    refused: /greater than or equal to 0/,
  },
  {
    title: 'too many retries',
    spec: { remediation: { update: { retries: 101 } } },
    refused: /less than or equal to 100/,
  },

  { title: 'resources', spec: { resources: { nestedDepth: 5, maxItems: 2000 } } },
  { title: 'too deep', spec: { resources: { nestedDepth: 6 } }, refused: /less than or equal to 5/ },
  {
    title: 'no resources at all',
    spec: { resources: { maxItems: 0 } },
    refused: /greater than or equal to 1/,
  },
  {
    title: 'too many resources',
    spec: { resources: { maxItems: 2001 } },
    refused: /less than or equal to 2000/,
  },

  { title: 'outputs by name', spec: { outputs: { inStatus: ['a', 'b'] } } },
  { title: 'all outputs', spec: { outputs: { inStatus: ['*'] } } },
  {
    title: 'all outputs and a name',
    spec: { outputs: { inStatus: ['*', 'a'] } },
    refused: /spec\.outputs\.inStatus: .*"\*" already stands for all outputs/,
  },

  {
    title: 'objects for the outputs',
    spec: {
      outputs: {
        secretName: 'web-outputs',
        configMapName: 'web.outputs',
        names: ['a', '__proto__'],
        labels: { team: 'shop', 'example.com/tier': '', 'mykubernetes.io/a': 'b' },
        annotations: {
          'example.com/owner': 'Somebody <somebody@example.com>',
          ['a'.repeat(63)]: letters(4096),
        },
      },
    },
  },
  {
    title: 'a Secret for the outputs in another namespace',
    spec: { outputs: { secretName: 'other/a' } },
    refused: /spec\.outputs\.secretName.* should match/,
  },
  {
    title: 'no names of outputs',
    spec: { outputs: { secretName: 'a', names: [] } },
    refused: /spec\.outputs\.names.* should have at least 1 items/,
  },
  {
    title: 'the outputs in the Secret with the credentials',
    spec: { outputs: { secretName: 'openstack-clouds' } },
    refused: /spec\.outputs\.secretName: .*is a Secret that this object reads.*take another name/,
  },
  {
    title: 'the outputs in the Secret with the template',
    spec: { template: { secretKeyRef: { name: 'a', key: 'b' } }, outputs: { secretName: 'a' } },
    refused: /spec\.outputs\.secretName: .*is a Secret that this object reads.*take another name/,
  },
  {
    title: 'the outputs in the ConfigMap with the template',
    spec: { template: { configMapKeyRef: { name: 'a', key: 'b' } }, outputs: { configMapName: 'a' } },
    refused: /spec\.outputs\.configMapName: .*template comes from: take another name/,
  },
  {
    title: 'the outputs in a ConfigMap that is named as the Secret with the template',
    spec: { template: { secretKeyRef: { name: 'a', key: 'b' } }, outputs: { configMapName: 'a' } },
  },
  ...['labels', 'annotations'].flatMap((member) => [
    ...[
      'app.kubernetes.io/name',
      'kubernetes.io/a',
      'kubectl.kubernetes.io/last-applied-configuration',
      'k8s.io/a',
      'node.k8s.io/a',
      'helm.sh/chart',
      'meta.helm.sh/release-name',
      'argoproj.io/a',
      'argocd.argoproj.io/instance',
      'fluxcd.io/a',
      'kustomize.toolkit.fluxcd.io/name',
      'heatstack.dev/a',
    ].map((key) => ({
      title: `${member} of the outputs with the key ${key}`,
      spec: { outputs: { secretName: 'a', [member]: { [key]: 'b' } } },
      refused: /steer other programs: take a key of your own domain/,
    })),
    ...['', 'a b', '/a', 'a/', 'A.example.com/a', '-a', 'a'.repeat(64), 'a/b/c'].map((key) => ({
      title: `${member} of the outputs with the key "${key}"`,
      spec: { outputs: { secretName: 'a', [member]: { [key]: 'b' } } },
      refused: /a key is a name of up to 63 letters/,
    })),
    {
      title: `too many ${member} of the outputs`,
      spec: {
        outputs: {
          [member]: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, ''])),
        },
      },
      refused: /must have at most 32/,
    },
  ]),
  {
    title: 'a label of the outputs with a value that no label has',
    spec: { outputs: { secretName: 'a', labels: { a: 'not a label' } } },
    refused: /spec\.outputs\.labels\.a.* should match/,
  },

  { title: 'a misspelt field', spec: { paramaters: {} }, refused: /unknown field "spec\.paramaters"/ },
];

export interface UpdateCase {
  title: string;
  before: SpecChange;
  after: SpecChange;
  refused?: RegExp;
}

const FIXED_NAME = /spec\.stackName: .*stackName can't be set, changed or removed.*put the old value back/;

export const UPDATE_CASES: UpdateCase[] = [
  { title: 'stackName stays', before: { stackName: 'one' }, after: { stackName: 'one', tags: ['a'] } },
  { title: 'no stackName stays so', before: {}, after: { timeout: '5m' } },
  {
    title: 'stackName changed',
    before: { stackName: 'one' },
    after: { stackName: 'two' },
    refused: FIXED_NAME,
  },
  { title: 'stackName removed', before: { stackName: 'one' }, after: {}, refused: FIXED_NAME },
  { title: 'stackName added', before: {}, after: { stackName: 'one' }, refused: FIXED_NAME },
  {
    title: 'another template source',
    before: {},
    after: { template: { configMapKeyRef: { name: 'a', key: 'b' } } },
  },
  { title: 'onDelete changed', before: {}, after: { managedOptions: { onDelete: 'detach' } } },
  {
    title: 'other credentials',
    before: {},
    after: { cloudCredentialsRef: { secretName: 'b', cloudName: 'c', regionName: 'd' } },
  },
];
