import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cache, cached, fingerprint } from '../testbed/cache.ts';
import { KUBERNETES_FLAGS, KUBERNETES_VERSION } from '../testbed/control-plane-binaries.ts';
import { checkGo, goBuild } from '../testbed/go.ts';

const MODULE = fileURLToPath(new URL('./node-binaries', import.meta.url));
const SOURCES = ['go.mod', 'go.sum', 'main.go', 'pause/main.go'];

/** Programs of a node besides the container runtime. */
export const PARTS = [
  'coredns',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubelet',
] as const;
export type Part = (typeof PARTS)[number];

/** Paths of the programs. */
export interface NodeBinaries extends Record<Part, string> {
  /** The first process of each pod. */
  pause: string;
}

/** What of Kubernetes the test bed lacks to run pods, built with Go into the cache. */
export async function nodeBinaries(cache: Cache): Promise<NodeBinaries> {
  const content = await Promise.all(SOURCES.map((file) => readFile(join(MODULE, file))));
  const print = fingerprint([process.platform, process.arch, KUBERNETES_FLAGS, ...content]);
  const folder = await cached(cache, `node-${print}`, async (target) => {
    await checkGo(PARTS.join(', '));
    await goBuild(cache, {
      title: `building kubelet and the rest of a node ${KUBERNETES_VERSION} with Go (minutes, once)`,
      target,
      module: MODULE,
      ldflags: KUBERNETES_FLAGS,
      packages: ['.', './pause'],
    });
    for (const part of PARTS) await symlink('node-binaries', join(target, 'bin', part));
  });
  const path = (program: string): string => join(folder, 'bin', program);
  return {
    ...(Object.fromEntries(PARTS.map((part) => [part, path(part)])) as Record<Part, string>),
    pause: path('pause'),
  };
}
