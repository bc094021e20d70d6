import { join } from 'node:path';
import type { Cache } from '../testbed/cache.ts';
import { goPrograms } from '../testbed/go-programs.ts';

/** Paths of the programs by which other tools' files are tried; each says in its head how to use it. */
export interface Programs {
  /** Argo CD's Lua. */
  argocd: string;
  /** Flux' CEL. */
  flux: string;
  /** kubeconform itself. */
  kubeconform: string;
}

/** The programs, built into the cache if missing. */
export async function gitopsPrograms(cache: Cache): Promise<Programs> {
  const folder = await goPrograms(cache, {
    name: 'gitops',
    // go.mod names the versions of kube-apiserver's modules, so that most of it is compiled already.
    module: import.meta.dirname,
    what: 'what tries the files for GitOps tools',
    duration: 'a minute',
    packages: ['./argocd', './flux', 'github.com/yannh/kubeconform/cmd/kubeconform'],
  });
  const path = (name: keyof Programs): string => join(folder, name);
  return { argocd: path('argocd'), flux: path('flux'), kubeconform: path('kubeconform') };
}
