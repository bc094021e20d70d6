/**
 * Writes argocd-cm.yaml from the Lua scripts beside it. With `--check` writes nothing and fails when it is stale.
 *
 *     node deploy/argocd/generate.ts [--check]
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { writeGenerated } from '../../crds/generated-files.ts';

const SCRIPTS = fileURLToPath(new URL('resource_customizations/heatstack.dev/HeatStack', import.meta.url));
const CONFIG_MAP = fileURLToPath(new URL('argocd-cm.yaml', import.meta.url));

const HEAD = `# GENERATED from the scripts in resource_customizations by generate.ts: change those, not this file.
# Health and actions of HeatStacks for Argo CD, as a patch of its ConfigMap: README.md tells how to apply it.
`;

const read = (name: string): Promise<string> => readFile(join(SCRIPTS, name), 'utf8');

async function configMap(): Promise<string> {
  const entries = await readdir(join(SCRIPTS, 'actions'), { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== 'testdata');
  const definitions = await Promise.all(
    names
      .map(({ name }) => name)
      .sort()
      .map(async (name) => ({ name, 'action.lua': await read(`actions/${name}/action.lua`) })),
  );
  const actions = { 'discovery.lua': await read('actions/discovery.lua'), definitions };
  const manifest = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data: {
      'resource.customizations.health.heatstack.dev_HeatStack': await read('health.lua'),
      'resource.customizations.actions.heatstack.dev_HeatStack': stringify(actions, { lineWidth: 0 }),
    },
  };
  return HEAD + stringify(manifest, { lineWidth: 0 });
}

await writeGenerated([[CONFIG_MAP, await configMap()]], 'resource_customizations');
