/**
 * Writes deploy/install.yaml and the files of deploy/kustomize/base that are made from the chart. With `--check` writes
 * nothing and fails when one of them is stale; the scenario test/e2e/helm-install checks the same. It needs Helm, and
 * fetches it where there is none.
 *
 *     npm run manifests [-- --check]
 */
import { writeGenerated } from '../../crds/generated-files.ts';
import { cacheRoot } from '../../test/testbed/cache.ts';
import { helmProgram } from '../../test/testbed/helm.ts';
import { findPython } from '../../test/testbed/python.ts';
import { manifests } from './manifests.ts';

const helm = await helmProgram({
  root: cacheRoot(),
  python: (await findPython()).path,
  log: console.log,
  signal: new AbortController().signal,
});
await writeGenerated(await manifests(helm), 'the chart');
