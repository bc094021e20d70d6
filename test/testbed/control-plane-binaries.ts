import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Cache, cached, fingerprint } from './cache.ts';
import { TestbedError } from './errors.ts';
import { checkGo, goBuild } from './go.ts';
import { atLeast } from './version.ts';

export const KUBERNETES_VERSION = '1.37.2';
const MINIMUM_KUBERNETES = '1.37';
const MODULES = fileURLToPath(new URL('./control-plane', import.meta.url));
const NAMES = ['etcd', 'kube-apiserver', 'kubectl'] as const;

/** Flags of the Go linker that programs of Kubernetes are built with. */
export const KUBERNETES_FLAGS = kubernetesFlags();

/** Paths of the programs. */
export type ControlPlaneBinaries = Record<(typeof NAMES)[number], string>;

/**
 * etcd, kube-apiserver and kubectl: those in `KUBEBUILDER_ASSETS` (the convention of Kubernetes' own test tools), else
 * those on PATH if all three are there and Kubernetes is new enough, else those built with Go into the cache.
 */
export async function controlPlaneBinaries(cache: Cache): Promise<ControlPlaneBinaries> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) {
    const { found, missing } = await lookUp([assets]);
    if (found !== undefined) return found;
    throw new TestbedError(
      `KUBEBUILDER_ASSETS is ${assets}, which lacks ${missing.join(', ')}: ` +
        'put them there, or unset KUBEBUILDER_ASSETS to have them built',
    );
  }
  const { found } = await lookUp((process.env['PATH'] ?? '').split(delimiter).filter(Boolean));
  if (found !== undefined && (await isNewEnough(found['kube-apiserver']))) return found;
  return build(cache);
}

/** For each program the first of `folders` that has it. */
async function lookUp(folders: string[]): Promise<{ found?: ControlPlaneBinaries; missing: string[] }> {
  const paths: Partial<ControlPlaneBinaries> = {};
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = join(folder, name);
      const usable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) {
        paths[name] = path;
        break;
      }
    }
  }
  const { etcd, 'kube-apiserver': apiServer, kubectl } = paths;
  const missing = NAMES.filter((name) => paths[name] === undefined);
  if (etcd === undefined || apiServer === undefined || kubectl === undefined) return { missing };
  return { found: { etcd, 'kube-apiserver': apiServer, kubectl }, missing };
}

async function isNewEnough(apiServer: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(apiServer, ['--version'], { timeout: 20_000 });
    return atLeast(stdout, MINIMUM_KUBERNETES);
  } catch {
    return false;
  }
}

function kubernetesFlags(): string {
  const version = 'k8s.io/component-base/version';
  const [major, minor] = KUBERNETES_VERSION.split('.');
  return [
    '-s -w',
    `-X ${version}.gitVersion=v${KUBERNETES_VERSION}`,
    `-X ${version}.gitMajor=${major}`,
    `-X ${version}.gitMinor=${minor}`,
  ].join(' ');
}

async function build(cache: Cache): Promise<ControlPlaneBinaries> {
  const sources = ['kubernetes/go.mod', 'kubernetes/go.sum', 'etcd/go.mod', 'etcd/go.sum', 'etcd/main.go'];
  const content = await Promise.all(sources.map((file) => readFile(join(MODULES, file))));
  const name = `control-plane-${fingerprint([process.platform, process.arch, KUBERNETES_FLAGS, ...content])}`;

  const folder = await cached(cache, name, async (target) => {
    await checkGo('kube-apiserver', `, or set KUBEBUILDER_ASSETS to a folder with ${NAMES.join(', ')}`);
    await goBuild(cache, {
      title: `building kube-apiserver and kubectl ${KUBERNETES_VERSION} with Go (minutes, once)`,
      target,
      module: join(MODULES, 'kubernetes'),
      ldflags: KUBERNETES_FLAGS,
      packages: ['k8s.io/kubernetes/cmd/kube-apiserver', 'k8s.io/kubernetes/cmd/kubectl'],
    });
    await goBuild(cache, {
      title: 'building etcd with Go',
      target,
      module: join(MODULES, 'etcd'),
      ldflags: '-s -w',
      packages: ['.'],
    });
  });
  const path = (program: string): string => join(folder, 'bin', program);
  return { etcd: path('etcd'), 'kube-apiserver': path('kube-apiserver'), kubectl: path('kubectl') };
}
