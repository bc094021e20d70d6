import type { LogLine } from '../../support/log-file.ts';
import type { Release } from '../../support/release.ts';
import { kubectl } from './installation.ts';

/** A pod, as far as scenarios look at it. */
export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec: { nodeName?: string; serviceAccountName: string; containers: { name: string; image: string }[] };
  status: {
    phase: string;
    podIP?: string;
    containerStatuses?: {
      ready: boolean;
      restartCount: number;
      lastState: { terminated?: { reason: string; exitCode: number } };
    }[];
  };
}

/** The pods of a release, without those that are being deleted. */
export async function operatorPods({ namespace, name }: Release): Promise<Pod[]> {
  const selector = `app.kubernetes.io/name=heatstack-operator,app.kubernetes.io/instance=${name}`;
  const list = await kubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'json']);
  const { items } = JSON.parse(list) as { items: Pod[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Runs a script with the Node in the first pod of a release; its stdout. The file system's functions are in `fs`. */
export async function inOperator(release: Release, script: string): Promise<string> {
  const [pod] = await operatorPods(release);
  const node = ['/usr/local/bin/node', '--eval', `const fs = require('node:fs'); ${script}`];
  return kubectl(['exec', '-n', release.namespace, pod?.metadata.name ?? '', '--', ...node]);
}

/** All that a pod's operator logged; with `previous`, what it did before its last restart. */
export async function podLog(
  { namespace }: Release,
  pod: Pod,
  { previous = false } = {},
): Promise<LogLine[]> {
  const text = await kubectl(['logs', '-n', namespace, pod.metadata.name, `--previous=${previous}`]);
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}
