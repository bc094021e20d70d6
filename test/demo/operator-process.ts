import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnGuarded } from '../testbed/guard.ts';
import { findPython } from '../testbed/python.ts';
import { waitUntil } from '../testbed/wait-until.ts';
import { DemoError } from './errors.ts';

const START_MS = 60_000;
const STOP_MS = 10_000;
const TAIL_LINES = 15;

/** The operator as a process of its own, as `npm start` runs it. */
export interface OperatorProcess {
  readonly pid: number;
  /** Ends it as Kubernetes ends a pod; resolves when it is gone. */
  stop(): Promise<void>;
}

/** How to run the operator. */
export interface OperatorProcessOptions {
  /** Folder of the repository. */
  root: string;
  kubeconfig: string;
  /** Gets all that it writes. */
  logFile: string;
  signal: AbortSignal;
  /** Called when it ends although nobody stopped it. */
  onUnexpectedExit: (error: unknown) => void;
}

/** Starts the operator and waits until it works. It is killed by the kernel (Linux) if this process ends. */
export async function startOperator(options: OperatorProcessOptions): Promise<OperatorProcess> {
  const { root, kubeconfig, logFile, signal } = options;
  const python = await findPython();
  const output = openSync(logFile, 'a');
  const args = ['--kubeconfig', kubeconfig, '--allowed-endpoints', '127.0.0.1'];
  args.push('--progress-interval', '1s', '--log-format', 'pretty');
  const child = spawnGuarded(python.path, process.execPath, ['src/main.ts', ...args], {
    cwd: root,
    env: ownEnvironment(),
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const exited = once(child, 'exit');
  let stopping = false;
  const ended = exited.then(([code, by]) => {
    if (stopping) return;
    const how = code === null ? `was ended by ${by}` : `ended with code ${code}`;
    throw new DemoError(`the operator ${how}; its log (${logFile}) says why`, tailOf(logFile));
  });
  ended.catch(options.onUnexpectedExit);
  const stop = async (): Promise<void> => {
    stopping = true;
    child.kill('SIGTERM');
    const late = sleep(STOP_MS, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
    await Promise.race([exited, late]).catch(() => undefined);
    await Promise.allSettled([exited]);
  };
  try {
    const started = waitUntil(() => readFileSync(logFile, 'utf8').includes(': started'), {
      timeoutMs: START_MS,
      signal,
    });
    if (!(await Promise.race([started, ended]))) {
      throw new DemoError(
        `the operator did not start within ${START_MS / 1000} s; its log (${logFile}) says why`,
        tailOf(logFile),
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, stop };
}

/** The last lines of a log. */
export function tailOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  } catch {
    return [];
  }
}

/** Without options of an operator that the user may have set for another one. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HEATSTACK_')));
}
