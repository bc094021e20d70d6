import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestbed, type Testbed } from '../testbed/index.ts';
import { serveControl } from './control.ts';
import type { BedInfo } from './scenario.ts';

const run = promisify(execFile);
const CRD = 'crds/heatstack.dev_heatstacks.yaml';

/** A test bed with the CRD installed and everything that scenarios ask it for. */
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
  const testbed = await startTestbed({ log, signal });
  try {
    const { kubeconfig, clouds, kubectl, heatUrl, authUrl } = testbed;
    const kube = ['--kubeconfig', kubeconfig];
    await run(kubectl, [...kube, 'apply', '--server-side', '-f', CRD]);
    await run(kubectl, [...kube, 'wait', '--for=condition=Established', '--timeout=30s', '-f', CRD]);
    const control = await serveControl(testbed);
    const info = { kubeconfig, clouds, kubectl, heatUrl, authUrl, control: control.url, artifacts };
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
