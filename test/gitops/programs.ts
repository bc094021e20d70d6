import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, cached, fingerprint } from '../testbed/cache.ts';
import { checkGo, goBuild } from '../testbed/go.ts';

const MODULE = import.meta.dirname;

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
  const ldflags = '-s -w';
  const names = await readdir(MODULE, { recursive: true });
  const files = names.filter((name) => /\.go$|^go\.(mod|sum)$/.test(name)).sort();
  const content = await Promise.all(files.map((file) => readFile(join(MODULE, file))));
  const print = fingerprint([process.platform, process.arch, ldflags, ...content]);
  const folder = await cached(cache, `gitops-${print}`, async (target) => {
    await checkGo('what tries the files for GitOps tools');
    await goBuild(cache, {
      // go.mod names the versions of kube-apiserver's modules, so that most of it is compiled already.
      title: 'building what tries the files for GitOps tools with Go (a minute, once)',
      target,
      module: MODULE,
      ldflags,
      packages: ['./argocd', './flux', 'github.com/yannh/kubeconform/cmd/kubeconform'],
    });
  });
  const path = (name: keyof Programs): string => join(folder, 'bin', name);
  return { argocd: path('argocd'), flux: path('flux'), kubeconform: path('kubeconform') };
}
