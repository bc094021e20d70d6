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
const ONE_ENVIRONMENT =
  /spec\.environments\[0\]: .*keep one of inline, object, configMapKeyRef and secretKeyRef/;
const ONE_OBJECT = /come from one object: keep one of configMapRef and secretRef/;
const ONE_VALUE =
  /spec\.parameterValues\[0\]\.valueFrom: .*keep one of configMapKeyRef, secretKeyRef and heatStackOutputRef/;
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
  {
    title: 'all words that are the default',
    spec: {
      managementPolicy: 'managed',
      managedOptions: { onDelete: 'delete' },
      driftDetection: { mode: 'warn' },
      updatePolicy: 'wait',
      approval: 'automatic',
      onExternalDeletion: 'recreate',
      remediation: { create: { strategy: 'update' }, update: { strategy: 'update' } },
    },
  },

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
    title: 'environments from objects',
    spec: {
      environments: [
        { configMapKeyRef: { name: 'a', key: 'env.yaml' } },
        { secretKeyRef: { name: 'b', key: 'env.yaml' } },
      ],
    },
  },
  {
    title: 'an environment from a ConfigMap and a Secret',
    spec: {
      environments: [{ configMapKeyRef: { name: 'a', key: 'b' }, secretKeyRef: { name: 'a', key: 'b' } }],
    },
    refused: ONE_ENVIRONMENT,
  },
  {
    title: 'an environment from a whole ConfigMap',
    spec: { environments: [{ configMapRef: { name: 'a' } }] },
    refused: /unknown field "spec\.environments\[0\]\.configMapRef"/,
  },

  {
    title: 'files from objects',
    spec: {
      filesFrom: [
        { configMapRef: { name: 'a', optional: true }, prefix: 'lib/' },
        {
          secretRef: { name: 'b', optional: false },
          items: [{ key: 'web.yaml', path: 'file:///lib/web.yaml' }],
        },
      ],
    },
  },
  { title: 'files from nowhere', spec: { filesFrom: [{ prefix: 'a' }] }, refused: ONE_OBJECT },
  {
    title: 'files from a ConfigMap and a Secret',
    spec: { filesFrom: [{ configMapRef: { name: 'a' }, secretRef: { name: 'a' } }] },
    refused: /spec\.filesFrom\[0\]: .*files come from one object/,
  },
  {
    title: 'files from an object without a name',
    spec: { filesFrom: [{ configMapRef: {} }] },
    refused: /spec\.filesFrom\[0\]\.configMapRef\.name: Required value/,
  },
  {
    title: 'files from another namespace',
    spec: { filesFrom: [{ secretRef: { name: 'other/a' } }] },
    refused: /secretRef\.name.* should match/,
  },
  {
    title: 'no items of the files',
    spec: { filesFrom: [{ configMapRef: { name: 'a' }, items: [] }] },
    refused: /items.* should have at least 1 items/,
  },
  {
    title: 'an item of the files without a path',
    spec: { filesFrom: [{ configMapRef: { name: 'a' }, items: [{ key: 'a' }] }] },
    refused: /items\[0\]\.path: Required value/,
  },
  {
    title: 'an item of the files with a key that no object has',
    spec: { filesFrom: [{ configMapRef: { name: 'a' }, items: [{ key: 'a/b', path: 'a' }] }] },
    refused: /items\[0\]\.key.* should match/,
  },
  {
    title: 'more than 32 sources of files',
    spec: { filesFrom: Array.from({ length: 33 }, () => ({ configMapRef: { name: 'a' } })) },
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
  { title: 'a parameter that is not set', spec: { parameters: { a: null } } },
  {
    title: 'parameters from objects',
    spec: {
      parametersFrom: [
        { configMapRef: { name: 'a', optional: true } },
        { secretRef: { name: 'b', optional: true }, prefix: 'db_' },
      ],
    },
  },
  { title: 'parameters from nowhere', spec: { parametersFrom: [{}] }, refused: ONE_OBJECT },
  {
    title: 'parameters from a ConfigMap and a Secret',
    spec: { parametersFrom: [{ configMapRef: { name: 'a' }, secretRef: { name: 'a' } }] },
    refused: /spec\.parametersFrom\[0\]: .*parameters come from one object/,
  },
  {
    title: 'parameters from keys',
    spec: { parametersFrom: [{ secretRef: { name: 'a' }, items: [{ key: 'a', path: 'b' }] }] },
    refused: /unknown field "spec\.parametersFrom\[0\]\.items"/,
  },
  {
    title: 'more than 32 sources of parameters',
    spec: { parametersFrom: Array.from({ length: 33 }, () => ({ configMapRef: { name: 'a' } })) },
    refused: /must have at most 32 items/,
  },
  {
    title: 'values from elsewhere',
    spec: {
      parameterValues: [
        { name: 'a', valueFrom: { configMapKeyRef: { name: 'a', key: 'b' }, optional: true } },
        { name: 'odd name/é', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } },
        { name: 'a', valueFrom: { heatStackOutputRef: { name: 'network', output: 'odd output/é' } } },
      ],
    },
  },
  {
    title: 'a value from nowhere',
    spec: { parameterValues: [{ name: 'a', valueFrom: { optional: true } }] },
    refused: ONE_VALUE,
  },
  {
    title: 'a value from two places',
    spec: {
      parameterValues: [
        {
          name: 'a',
          valueFrom: {
            secretKeyRef: { name: 'a', key: 'b' },
            heatStackOutputRef: { name: 'a', output: 'b' },
          },
        },
      ],
    },
    refused: ONE_VALUE,
  },
  {
    title: 'a value that is written out',
    spec: { parameterValues: [{ name: 'a', value: 'b' }] },
    refused: /unknown field "spec\.parameterValues\[0\]\.value"/,
  },
  {
    title: 'a value without a name',
    spec: { parameterValues: [{ valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }] },
    refused: /spec\.parameterValues\[0\]\.name: Required value/,
  },
  {
    title: 'an output of another namespace',
    spec: {
      parameterValues: [{ name: 'a', valueFrom: { heatStackOutputRef: { name: 'other/a', output: 'b' } } }],
    },
    refused: /heatStackOutputRef\.name.* should match/,
  },
  {
    title: 'an output without its name',
    spec: { parameterValues: [{ name: 'a', valueFrom: { heatStackOutputRef: { name: 'a' } } }] },
    refused: /heatStackOutputRef\.output: Required value/,
  },
  {
    title: 'an output of its own',
    spec: {
      parameterValues: [{ name: 'a', valueFrom: { heatStackOutputRef: { name: 'web', output: 'b' } } }],
    },
    refused: /spec\.parameterValues: .*output of this object itself.*: name another HeatStack/,
  },
  {
    title: 'more than 256 values',
    spec: {
      parameterValues: Array.from({ length: 257 }, () => ({
        name: 'a',
        valueFrom: { secretKeyRef: { name: 'a', key: 'b' } },
      })),
    },
    refused: /must have at most 256 items/,
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
  { title: 'unmanaged', spec: { managementPolicy: 'unmanaged', import: { id: 'a-1' }, template: undefined } },
  {
    title: 'unmanaged, with everything that being managed needs',
    spec: { managementPolicy: 'unmanaged', import: { filter: { name: 'web' } } },
  },
  {
    title: 'unmanaged without a stack',
    spec: { managementPolicy: 'unmanaged' },
    refused: /spec\.import: .*set spec\.import to say which/,
  },
  {
    title: 'managementPolicy observe',
    spec: { managementPolicy: 'observe' },
    refused: /managementPolicy: Unsupported value: "observe"/,
  },
  {
    title: 'import by id',
    spec: { import: { id: '7a43b1f8-0000-4000-8000-000000000000', takeOwnership: true } },
  },
  { title: 'import by name and tags', spec: { import: { filter: { name: 'Web 1', tags: ['a', 'b=c'] } } } },
  {
    title: "import by the operator's own tags",
    spec: { import: { filter: { tags: ['heatstack.dev/object=other/web'] } } },
  },
  {
    title: 'import of nothing',
    spec: { import: {} },
    refused: /spec\.import: .*exactly one of id and filter: remove the other/,
  },
  {
    title: 'import of nothing but the wish to own it',
    spec: { import: { takeOwnership: true } },
    refused: /spec\.import: .*exactly one of id and filter/,
  },
  {
    title: 'import by id and filter',
    spec: { import: { id: 'a', filter: { name: 'b' } } },
    refused: /spec\.import: .*exactly one of id and filter/,
  },
  {
    title: 'import of any stack',
    spec: { import: { filter: {} } },
    refused: /spec\.import\.filter: .*needs a name or tags/,
  },
  {
    title: 'import by no tags',
    spec: { import: { filter: { tags: [] } } },
    refused: /tags.* should have at least 1 items/,
  },
  {
    title: 'import by a tag with a comma',
    spec: { import: { filter: { tags: ['a,b'] } } },
    refused: /spec\.import\.filter\.tags\[0\]: .*can't hold a comma/,
  },
  {
    title: 'import by a path',
    spec: { import: { id: '../a' } },
    refused: /spec\.import\.id.* should match/,
  },

  { title: 'driftDetection disabled', spec: { driftDetection: { mode: 'disabled' } } },
  { title: 'driftDetection warn', spec: { driftDetection: { mode: 'warn' } } },
  { title: 'driftDetection enabled', spec: { driftDetection: { mode: 'enabled' } } },
  {
    title: 'driftDetection as a flag',
    spec: { driftDetection: true },
    refused: /spec\.driftDetection: .*must be of type object/,
  },
  {
    title: 'driftDetection repair',
    spec: { driftDetection: { mode: 'repair' } },
    refused: /driftDetection\.mode: Unsupported value: "repair"/,
  },
  { title: 'updatePolicy supersede', spec: { updatePolicy: 'supersede' } },
  {
    title: 'updatePolicy cancel',
    spec: { updatePolicy: 'cancel' },
    refused: /updatePolicy: Unsupported value: "cancel"/,
  },
  { title: 'approval manual', spec: { approval: 'manual' } },
  {
    title: 'approval auto',
    spec: { approval: 'auto' },
    refused: /approval: Unsupported value: "auto"/,
  },
  {
    title: 'protect',
    spec: {
      protect: [
        {
          resourceTypes: ['OS::Nova::Server', 'OS::Cinder::*', 'server.yaml'],
          operations: ['replace', 'delete'],
        },
        { resourceTypes: ['*'], operations: ['delete'] },
      ],
    },
  },
  {
    title: 'protect with a "*" in the middle',
    spec: { protect: [{ resourceTypes: ['OS::*::Server'], operations: ['delete'] }] },
    refused: /spec\.protect\[0\]\.resourceTypes\[0\]: .*"\*" may only be the last character/,
  },
  {
    title: 'protect with two "*"',
    spec: { protect: [{ resourceTypes: ['OS::**'], operations: ['delete'] }] },
    refused: /"\*" may only be the last character/,
  },
  {
    title: 'protect without types',
    spec: { protect: [{ operations: ['delete'] }] },
    refused: /spec\.protect\[0\]\.resourceTypes: Required value/,
  },
  {
    title: 'protect no types',
    spec: { protect: [{ resourceTypes: [], operations: ['delete'] }] },
    refused: /resourceTypes.* should have at least 1 items/,
  },
  {
    title: 'protect from nothing',
    spec: { protect: [{ resourceTypes: ['*'], operations: [] }] },
    refused: /operations.* should have at least 1 items/,
  },
  {
    title: 'protect from updates',
    spec: { protect: [{ resourceTypes: ['*'], operations: ['update'] }] },
    refused: /operations\[0\]: Unsupported value: "update"/,
  },
  {
    title: 'more than 32 rules to protect',
    spec: { protect: Array.from({ length: 33 }, () => ({ resourceTypes: ['*'], operations: ['delete'] })) },
    refused: /must have at most 32 items/,
  },
  { title: 'dependsOn', spec: { dependsOn: [{ name: 'network' }, { name: 'db.v1' }] } },
  {
    title: 'dependsOn itself',
    spec: { dependsOn: [{ name: 'network' }, { name: 'web' }] },
    refused: /spec\.dependsOn: .*names this object itself.*: remove it/,
  },
  {
    title: 'dependsOn a text',
    spec: { dependsOn: ['network'] },
    refused: /spec\.dependsOn\[0\]: .*must be of type object/,
  },
  {
    title: 'dependsOn an object of another namespace',
    spec: { dependsOn: [{ name: 'network', namespace: 'other' }] },
    refused: /unknown field "spec\.dependsOn\[0\]\.namespace"/,
  },
  {
    title: 'dependsOn nobody',
    spec: { dependsOn: [{ name: '' }] },
    refused: /should be at least 1 chars long/,
  },
  {
    title: 'dependsOn more than 32',
    spec: { dependsOn: Array.from({ length: 33 }, (_, i) => ({ name: `s${i}` })) },
    refused: /must have at most 32 items/,
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
  { title: 'no remediation of create', spec: { remediation: { create: { strategy: 'none' } } } },
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
    refused: /spec\.outputs\.configMapName: .*is a ConfigMap that this object reads.*: take another name/,
  },
  {
    title: 'the outputs in a ConfigMap that is named as the Secret with the template',
    spec: { template: { secretKeyRef: { name: 'a', key: 'b' } }, outputs: { configMapName: 'a' } },
  },
  ...(
    [
      ['files', 'Ref', (ref: JsonObject) => ({ filesFrom: [{ configMapRef: { name: 'b' } }, ref] })],
      ['an environment', 'KeyRef', (ref: JsonObject) => ({ environments: [{ inline: '' }, ref] })],
      ['parameters', 'Ref', (ref: JsonObject) => ({ parametersFrom: [ref] })],
      ['a value', 'KeyRef', (ref: JsonObject) => ({ parameterValues: [{ name: 'b', valueFrom: ref }] })],
    ] as const
  ).flatMap(([what, suffix, specOf]) => {
    const source = { name: 'a', ...(suffix === 'KeyRef' && { key: 'b' }) };
    return [
      {
        title: `the outputs in the Secret with ${what}`,
        spec: {
          ...specOf({ [`secret${suffix}`]: source }),
          outputs: { secretName: 'a', configMapName: 'z' },
        },
        refused: /spec\.outputs\.secretName: .*is a Secret that this object reads.*take another name/,
      },
      {
        title: `the outputs in the ConfigMap with ${what}`,
        spec: {
          ...specOf({ [`configMap${suffix}`]: source }),
          outputs: { secretName: 'z', configMapName: 'a' },
        },
        refused: /spec\.outputs\.configMapName: .*is a ConfigMap that this object reads.*take another name/,
      },
      {
        title: `the outputs in objects of other kinds than those with ${what}`,
        spec: {
          ...specOf({ [`secret${suffix}`]: source }),
          outputs: { secretName: 'z', configMapName: 'a' },
        },
      },
    ];
  }),
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
  /** What it is changed to; or that, for the object's name. */
  after: SpecChange | ((name: string) => SpecChange);
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
  { title: 'import added', before: {}, after: { import: { id: 'a' } } },
  { title: 'import removed', before: { import: { id: 'a' } }, after: {} },
  { title: 'import stays', before: { import: { id: 'a' } }, after: { import: { id: 'a' }, tags: ['b'] } },
  {
    title: 'takeOwnership changed',
    before: { import: { id: 'a' } },
    after: { import: { id: 'a', takeOwnership: true } },
  },
  ...(
    [
      ['id', { id: 'a' }, { id: 'b' }],
      ['id by a filter', { id: 'a' }, { filter: { name: 'a' } }],
      ['filter by an id', { filter: { name: 'a' } }, { id: 'a' }],
      ['name', { filter: { name: 'a' } }, { filter: { name: 'b' } }],
      ['tags', { filter: { tags: ['a'] } }, { filter: { tags: ['a', 'b'] } }],
      ['name by tags', { filter: { name: 'a' } }, { filter: { tags: ['a'] } }],
      ['filter by a wider one', { filter: { name: 'a', tags: ['a'] } }, { filter: { name: 'a' } }],
    ] satisfies [string, JsonObject, JsonObject][]
  ).map(([what, before, after]) => ({
    title: `import: another ${what}`,
    before: { import: before },
    after: { import: after },
    refused: /spec\.import.* can be removed but not point to another stack.*put the old value back/,
  })),
  {
    title: 'managementPolicy to managed, with the import kept',
    before: { managementPolicy: 'unmanaged', import: { id: 'a' }, template: undefined },
    after: { managementPolicy: 'managed', import: { id: 'a' } },
  },
  {
    title: 'managementPolicy to managed, with the import removed',
    before: { managementPolicy: 'unmanaged', import: { id: 'a' } },
    after: { managementPolicy: 'managed' },
  },
  {
    title: 'managementPolicy to managed without a template',
    before: { managementPolicy: 'unmanaged', import: { id: 'a' }, template: undefined },
    after: { managementPolicy: 'managed', import: { id: 'a' }, template: undefined },
    refused: /spec\.template: .*a managed stack needs a template/,
  },
  {
    title: 'managementPolicy to unmanaged',
    before: {},
    after: { managementPolicy: 'unmanaged', import: { id: 'a' }, template: undefined },
  },
  {
    title: 'managementPolicy to unmanaged without an import',
    before: {},
    after: { managementPolicy: 'unmanaged' },
    refused: /spec\.import: .*set spec\.import to say which/,
  },
  { title: 'approval changed', before: {}, after: { approval: 'manual' } },
  {
    title: 'protect changed',
    before: { protect: [{ resourceTypes: ['*'], operations: ['delete'] }] },
    after: { protect: [] },
  },
  {
    title: 'dependsOn itself, later',
    before: {},
    after: (name) => ({ dependsOn: [{ name }] }),
    refused: /spec\.dependsOn: .*names this object itself/,
  },
  {
    title: 'other credentials',
    before: {},
    after: { cloudCredentialsRef: { secretName: 'b', cloudName: 'c', regionName: 'd' } },
  },
];
