import { join } from 'node:path';
import { bundle } from '../../deploy/bundle/bundle.ts';
import { writeOperatorImage } from '../../deploy/docker/image.ts';
import { writeOciArchive } from '../../deploy/docker/oci-archive.ts';
import { VERSION } from '../../src/version.ts';
import type { Cache } from '../testbed/cache.ts';
import { type ControlPlaneBinaries, controlPlaneBinaries } from '../testbed/control-plane-binaries.ts';
import { helmProgram } from '../testbed/helm.ts';
import { type OpenStackEnvironment, openStackEnvironment } from '../testbed/openstack-environment.ts';
import { step } from '../testbed/progress.ts';
import type { Python } from '../testbed/python.ts';
import { type ContainerRuntime, containerRuntime } from './container-runtime.ts';
import { type NodeBinaries, nodeBinaries } from './node-binaries.ts';
import { pauseImage } from './pause-image.ts';
import { prometheusProgram } from './prometheus.ts';

/** All that a cluster is made of; it can't fetch anything itself. Paths, and JSON can hold it. */
export interface Preparation {
  controlPlane: ControlPlaneBinaries;
  node: NodeBinaries;
  runtime: ContainerRuntime;
  openStack: OpenStackEnvironment;
  helm: string;
  prometheus: string;
  python: string;
  /** OCI archives that the node imports. */
  images: string[];
}

/** The name that the chart's defaults give the image. */
const IMAGE = `docker.io/library/heatstack-operator:${VERSION}`;

/**
 * Builds and fetches what isn't in the cache yet, and makes the operator's image of the sources as they are.
 *
 * @param folder where images are put
 */
export async function prepare(cache: Cache, python: Python, folder: string): Promise<Preparation> {
  // One after the other: each keeps all cores busy.
  const runtime = await containerRuntime(cache);
  const prometheus = await prometheusProgram(cache);
  const helm = await helmProgram(cache);
  const controlPlane = await controlPlaneBinaries(cache);
  const node = await nodeBinaries(cache);
  const openStack = await openStackEnvironment(cache, python);
  const images = await step(cache.log, 'making the image', async () => {
    const operator = join(folder, 'operator.tar');
    await writeOperatorImage(operator, IMAGE, {
      version: VERSION,
      ...(await bundle(join(folder, 'bundle'))),
    });
    const pause = join(folder, 'pause.tar');
    await writeOciArchive(pause, await pauseImage(node.pause));
    return [operator, pause];
  });
  return { controlPlane, node, runtime, openStack, helm, prometheus, python: python.path, images };
}
