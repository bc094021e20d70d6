import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The namespace that the plain manifests are for. */
const NAMESPACE = 'heatstack-system';

const CHART = fileURLToPath(new URL('heatstack-operator', import.meta.url));
export const INSTALL_FILE = fileURLToPath(new URL('../install.yaml', import.meta.url));
export const KUSTOMIZE_FILE = fileURLToPath(new URL('../kustomize/base/operator.yaml', import.meta.url));
const NAMESPACE_FILE = fileURLToPath(new URL('../kustomize/base/namespace.yaml', import.meta.url));

const BANNER = (
  what: string,
) => `# GENERATED from the Helm chart by deploy/helm/write-manifests.ts: change that, not this file.
#
${what}
`;
const INSTALL = `# The operator for all namespaces, as the chart installs it with its default values. No image is published yet: write the
# name of your own where "image:" is, and then
#
#   kubectl apply --server-side -f deploy/install.yaml
#
# Never delete by this file: all HeatStacks go with the definition. docs/operations.md says how it is uninstalled.`;
const KUSTOMIZE = `# What deploy/install.yaml has besides the namespace and the custom resource definition.`;

const NAMESPACE_MANIFEST = `apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

/**
 * Manifests for those who don't use Helm, as the chart renders them with its default values.
 *
 * @param helm path of the program
 * @returns paths and texts of the files
 */
export async function manifests(helm: string): Promise<(readonly [path: string, text: string])[]> {
  const args = ['template', 'heatstack-operator', CHART, '--namespace', NAMESPACE, '--skip-tests'];
  const { stdout } = await promisify(execFile)(helm, args, { maxBuffer: 64 * 1024 * 1024 });
  const documents = stdout
    .split(/^---\n/m)
    .map(withoutHelm)
    .filter((text) => text.trim() !== '');
  const isDefinition = (text: string): boolean => text.includes('\nkind: CustomResourceDefinition\n');
  const operator = documents.filter((text) => !isDefinition(text));
  const all = [NAMESPACE_MANIFEST, ...documents.filter(isDefinition), ...operator];
  return [
    [INSTALL_FILE, [BANNER(INSTALL), ...all].join('---\n')],
    [KUSTOMIZE_FILE, [BANNER(KUSTOMIZE), ...operator].join('---\n')],
    [NAMESPACE_FILE, NAMESPACE_MANIFEST],
  ];
}

/** What only Helm would understand is left out: Helm would take it for a release of its own. */
function withoutHelm(text: string): string {
  return text
    .replaceAll(/^# (?:Source|GENERATED).*\n/gm, '')
    .replaceAll(/^ +(?:helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '')
    .replaceAll(/^ +annotations:\n +helm\.sh\/resource-policy: keep\n/gm, '');
}
