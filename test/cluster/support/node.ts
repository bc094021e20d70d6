import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { bed } from '../../support/scenario.ts';
import { schedulable } from '../cluster.ts';
import { NODE } from '../network.ts';
import { kubectl } from './installation.ts';

/** A process of the cluster. */
interface Process {
  /** Its program and arguments, with a NUL behind each. */
  command: string;
  /** Its cgroups, as in `/proc/PID/cgroup`: those of a pod have the pod's uid in their paths. */
  cgroups: string;
}

/** What a node runs beside its pods. The control plane and DNS would be elsewhere. */
const PARTS = /^(kubelet|kube-proxy|containerd|containerd-shim.*)$/;
const IN_POD = /\/pod[0-9a-f-]{36}/;

/** Ids of the processes that are as asked for. Tests see those of the cluster alone. */
export function processes(isWanted: (process: Process) => boolean): number[] {
  return globSync('[0-9]*', { cwd: '/proc' })
    .filter((pid) => {
      try {
        const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
        return isWanted({ command: read('cmdline'), cgroups: read('cgroup') });
      } catch {
        return false; // It has just ended.
      }
    })
    .map(Number);
}

/**
 * Stops the node with all of its pods, as a virtual machine is paused, and lets it go on when the control plane has
 * noticed. Resolves when new pods could start again; the pods that are there may not be Ready yet.
 *
 * @param noticed called before the node goes on
 */
export async function pauseNode(noticed: () => void): Promise<void> {
  const stopped: number[] = [];
  const stop = (isWanted: (process: Process) => boolean): void => {
    stopped.push(...processes(isWanted).filter((pid) => signal(pid, 'SIGSTOP')));
  };
  try {
    // First those that could start another one.
    stop(({ command }) => PARTS.test(basename(command.split('\0')[0] ?? '')));
    stop(({ cgroups }) => IN_POD.test(cgroups));
    await kubectl(['wait', '--for=condition=Ready=Unknown', `node/${NODE}`, '--timeout=60s']);
    noticed();
  } finally {
    for (const pid of stopped) signal(pid, 'SIGCONT');
  }
  await schedulable(bed().kubectl, bed().kubeconfig);
}

/** Sends a signal; false when there is no such process any more. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
