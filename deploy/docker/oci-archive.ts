import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type TarEntry, tar } from './tar.ts';

/** How a container of an image is started: the part `config` of the OCI image configuration. */
export interface ContainerConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  WorkingDir: string;
  Labels: Record<string, string>;
}

export interface Image {
  /** With registry and tag, as in `registry.example.com/operator:1`. */
  name: string;
  /** As OCI names it: `amd64`, `arm64`. */
  architecture: string;
  config: ContainerConfig;
  /** From the lowest up. */
  layers: readonly (readonly TarEntry[])[];
}

const TYPE = 'application/vnd.oci.image';

/**
 * Writes an image as an OCI archive, which `ctr images import`, `podman load`, `skopeo copy oci-archive:FILE` and
 * Docker 25 and newer (`docker load`) take. The same image always gives the same bytes.
 *
 * @returns the digest of its manifest, `sha256:…`
 */
export async function writeOciArchive(file: string, image: Image): Promise<string> {
  const blobs = new Map<string, Uint8Array>();
  const add = (mediaType: string, content: Uint8Array) => {
    const digest = createHash('sha256').update(content).digest('hex');
    blobs.set(digest, content);
    return { mediaType: `${TYPE}.${mediaType}`, digest: `sha256:${digest}`, size: content.length };
  };
  const addJson = (mediaType: string, value: object) => add(mediaType, Buffer.from(JSON.stringify(value)));

  const layers = image.layers.map((entries) => add('layer.v1.tar', Buffer.concat(tar(entries))));
  const config = addJson('config.v1+json', {
    architecture: image.architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created_by: 'heatstack-operator' })),
  });
  const manifest = addJson('manifest.v1+json', {
    schemaVersion: 2,
    mediaType: `${TYPE}.manifest.v1+json`,
    config,
    layers,
    annotations: image.config.Labels,
  });
  const annotations = {
    'io.containerd.image.name': image.name,
    'org.opencontainers.image.ref.name': image.name.slice(image.name.lastIndexOf(':') + 1),
  };
  const index = {
    schemaVersion: 2,
    mediaType: `${TYPE}.index.v1+json`,
    manifests: [{ ...manifest, annotations }],
  };
  const entry = (path: string, content: Uint8Array): TarEntry => ({
    type: 'file',
    path,
    mode: 0o644,
    content,
  });
  await writeFile(
    file,
    tar([
      entry('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')),
      entry('index.json', Buffer.from(JSON.stringify(index))),
      ...[...blobs].map(([digest, content]) => entry(`blobs/sha256/${digest}`, content)),
    ]),
  );
  return manifest.digest;
}
