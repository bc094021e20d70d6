import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as v from 'valibot';
import { writeOciArchive } from './oci-archive.ts';
import type { TarEntry } from './tar.ts';

/** As in the Dockerfile, and in distroless images. */
const NONROOT = 65532;
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
const reportSchema = v.object({ sharedObjects: v.array(v.string()) });

/** What the image holds. */
export interface Contents {
  /** Version of the operator. */
  version: string;
  /** Paths of what the bundler made. */
  program: string;
  licenses: string;
}

/**
 * Writes the operator's image as an OCI archive, without a registry or a tool that builds images: the Node that runs
 * this, the shared libraries that it has loaded, and the bundle. For the architecture of this machine.
 *
 * @param file the archive
 * @param name of the image, with its tag
 * @returns the digest of its manifest
 * @throws Error where Node isn't for Linux with glibc, on x86-64 or arm64
 */
export async function writeOperatorImage(
  file: string,
  name: string,
  { version, program, licenses }: Contents,
): Promise<string> {
  return writeOciArchive(file, {
    name,
    architecture: architecture(),
    config: {
      User: `${NONROOT}:${NONROOT}`,
      Env: ['PATH=/usr/local/bin', 'NODE_ENV=production'],
      Entrypoint: ['/usr/local/bin/node', `/app/${basename(program)}`],
      WorkingDir: '/app',
      Labels: {
        'org.opencontainers.image.title': 'heatstack-operator',
        'org.opencontainers.image.description': 'Runs OpenStack Heat stacks from Kubernetes',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    },
    // What changes with every commit is by itself, so that the rest is stored and sent once.
    layers: [
      await runtime(),
      await files([
        [program, 'app'],
        [licenses, 'app'],
      ]),
    ],
  });
}

/**
 * This machine's architecture as OCI names it.
 *
 * @throws Error where programs of this machine can't run in containers
 */
export function architecture(): string {
  const name = ARCHITECTURES[process.arch];
  if (process.platform === 'linux' && name !== undefined) return name;
  throw new Error(`an image can't be made of programs for ${process.platform} on ${process.arch}`);
}

/** Node, what the dynamic loader needs for it, and the few files that glibc reads. */
async function runtime(): Promise<TarEntry[]> {
  const { sharedObjects } = v.parse(reportSchema, process.report.getReport());
  const libraries = sharedObjects.filter((path) => path.startsWith('/'));
  if (!libraries.some((path) => basename(path).startsWith('ld-linux'))) {
    throw new Error('an image can be made of a Node for glibc only');
  }
  const text = (path: string, content: string): TarEntry => ({
    type: 'file',
    path,
    mode: 0o644,
    content: Buffer.from(content),
  });
  return [
    ...(await files([[process.execPath, 'usr/local/bin'], ...libraries.map(inPlace)])),
    { type: 'directory', path: 'etc/', mode: 0o755 },
    text('etc/passwd', `nonroot:x:${NONROOT}:${NONROOT}:nonroot:/:/sbin/nologin\n`),
    text('etc/group', `nonroot:x:${NONROOT}:\n`),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { type: 'directory', path: 'tmp/', mode: 0o1777 },
  ];
}

/** A library keeps its folder: the loader's is written in the program, the others it searches by its own build. */
function inPlace(path: string): [source: string, folder: string] {
  return [path, dirname(path).slice(1)];
}

/** Entries for files, each in a folder, and for the folders, each above what is in it. */
async function files(sources: readonly [source: string, folder: string][]): Promise<TarEntry[]> {
  const folders = new Set(sources.flatMap(([, folder]) => parents(folder)));
  const contents = sources.map(async ([source, folder]): Promise<TarEntry> => {
    // Libraries are links to their versions.
    const content = await readFile(await realpath(source));
    const mode = folder === 'app' ? 0o644 : 0o755;
    return { type: 'file', path: `${folder}/${basename(source)}`, mode, content };
  });
  return [
    ...[...folders].sort().map((path): TarEntry => ({ type: 'directory', path: `${path}/`, mode: 0o755 })),
    ...(await Promise.all(contents)),
  ];
}

/** `a/b` and `a` of `a/b`. */
function parents(folder: string): string[] {
  return folder.split('/').map((_, index, names) => names.slice(0, index + 1).join('/'));
}
