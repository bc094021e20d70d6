import { fileURLToPath } from 'node:url';

const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** The customization of Argo CD. */
export const ARGOCD = pathOf('deploy/argocd/resource_customizations/heatstack.dev/HeatStack');

/** Manifests for Flux. */
export const FLUX = pathOf('deploy/flux');

/** Where kubeconform finds the schemas, as docs/gitops.md says. */
export const STRICT_SCHEMAS = `${pathOf('crds/schemas')}/{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}{{ .StrictSuffix }}.json`;
