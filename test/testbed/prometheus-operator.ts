import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cache, cached, fingerprint } from './cache.ts';
import { checkGo, GO_MODULES_CURE } from './go.ts';
import { step } from './progress.ts';
import { runTool } from './tool.ts';

const FOLDER = join(import.meta.dirname, 'prometheus-operator');
// An old version on purpose: fields of v1 are only ever added, so what it takes is taken by newer ones as well.
const MODULE = 'github.com/prometheus-operator/prometheus-operator';
const RESOURCES = ['servicemonitors', 'podmonitors', 'prometheusrules'];

/**
 * Folder with the Prometheus Operator's own custom resource definitions of what the chart has for it, in the cache. They
 * are taken out of its Go module, of which nothing is built.
 */
export async function monitoringDefinitions(cache: Cache): Promise<string> {
  const content = await Promise.all(['go.mod', 'go.sum'].map((file) => readFile(join(FOLDER, file))));
  return cached(cache, `prometheus-operator-${fingerprint([...content, ...RESOURCES])}`, async (target) => {
    await checkGo("the Prometheus Operator's definitions");
    const env = { GOWORK: 'off' };
    await step(cache.log, "fetching the Prometheus Operator's definitions with Go", () =>
      runTool({
        python: cache.python,
        command: 'go',
        args: ['mod', 'download', MODULE],
        cwd: FOLDER,
        env,
        logFile: `${target}.log`,
        cure: GO_MODULES_CURE,
        signal: cache.signal,
      }),
    );
    const { stdout } = await promisify(execFile)('go', ['list', '-m', '-f', '{{.Dir}}', MODULE], {
      cwd: FOLDER,
      env: { ...process.env, ...env },
    });
    for (const resource of RESOURCES) {
      const file = `monitoring.coreos.com_${resource}.yaml`;
      await copyFile(join(stdout.trim(), 'example/prometheus-operator-crd', file), join(target, file));
    }
  });
}
