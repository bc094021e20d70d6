import { readFile } from 'node:fs/promises';
import { architecture } from '../../deploy/docker/image.ts';
import type { Image } from '../../deploy/docker/oci-archive.ts';

export const PAUSE_IMAGE = 'localhost/pause:1';

/**
 * The image of the container that holds a pod's namespaces.
 *
 * @param program path of a program that needs no library
 */
export async function pauseImage(program: string): Promise<Image> {
  const content = await readFile(program);
  return {
    name: PAUSE_IMAGE,
    architecture: architecture(),
    config: { User: '65535:65535', Env: [], Entrypoint: ['/pause'], WorkingDir: '/', Labels: {} },
    layers: [[{ type: 'file', path: 'pause', mode: 0o755, content }]],
  };
}
