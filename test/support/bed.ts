import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '../testbed/cache.ts';
import { helmProgram } from '../testbed/helm.ts';
import { startTestbed, type Testbed } from '../testbed/index.ts';
import { monitoringDefinitions } from '../testbed/prometheus-operator.ts';
import { promtoolProgram } from '../testbed/promtool.ts';
import { findPython } from '../testbed/python.ts';
import { serveControl } from './control.ts';
import { BED_VALUES, bedRelease } from './release.ts';
import type { BedInfo } from './scenario.ts';

const run = promisify(execFile);

/** A test bed with the Helm chart installed and everything that scenarios ask it for. */
export interface ScenarioBed {
  readonly testbed: Testbed;
  readonly info: BedInfo & { artifacts: string };
  /** The file that HEATSTACK_TESTBED names. */
  readonly file: string;
  stop(): Promise<void>;
}

/**
 * Starts a test bed for scenarios.
 *
 * @param artifacts folder for logs and objects of the run; made when it isn't there
 * @param signal ends a start that isn't finished
 */
export async function startScenarioBed(
  artifacts: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<ScenarioBed> {
  await mkdir(artifacts, { recursive: true });
  const cache = { root: cacheRoot(), python: (await findPython()).path, log, signal };
  const helm = await helmProgram(cache);
  const promtool = await promtoolProgram(cache);
  const definitions = await monitoringDefinitions(cache);
  const testbed = await startTestbed({ log, signal });
  try {
    const { kubeconfig, clouds, kubectl, heatUrl, authUrl } = testbed;
    await bedRelease({ helm, kubeconfig }).install(BED_VALUES, ['--create-namespace']);
    const crd = ['--for=condition=Established', '--timeout=30s', 'crd/heatstacks.heatstack.dev'];
    await run(kubectl, ['--kubeconfig', kubeconfig, 'wait', ...crd]);
    const control = await serveControl(testbed);
    const info = {
      ...{ kubeconfig, clouds, kubectl, helm, promtool, heatUrl, authUrl },
      ...{ monitoringDefinitions: definitions, control: control.url, artifacts },
    };
    const file = join(artifacts, 'testbed.json');
    await writeFile(file, JSON.stringify(info, null, 2));
    return {
      testbed,
      info,
      file,
      async stop() {
        control.server.close();
        control.server.closeAllConnections();
        await testbed.stop();
      },
    };
  } catch (error) {
    await testbed.stop();
    throw error;
  }
}
