import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TestbedError } from './errors.ts';

const GUARD = fileURLToPath(new URL('./guard.py', import.meta.url));
const pythonArguments = (...rest: string[]): string[] => ['-I', '-S', GUARD, ...rest];

/**
 * Start a program that the kernel kills (Linux) when the thread that called this ends, `kill -9` included. It leads a
 * process group of its own: a terminal's Ctrl-C doesn't reach it.
 */
export function spawnGuarded(
  python: string,
  command: string,
  args: string[],
  options: SpawnOptions,
): ChildProcess {
  return spawn(python, pythonArguments('exec', String(process.pid), command, ...args), {
    ...options,
    detached: true,
  });
}

/**
 * Take an exclusive lock on a file; the function returned gives it back, and so does the end of this process, however
 * it ends. `onWait` is called if another process holds it.
 */
export async function acquireLock(
  python: string,
  file: string,
  { onWait, signal }: { onWait: () => void; signal?: AbortSignal | undefined },
): Promise<() => void> {
  const holder = spawn(python, pythonArguments('lock', file), { stdio: 'pipe', detached: true });
  const release = (): void => void holder.kill('SIGKILL');
  signal?.addEventListener('abort', release, { once: true });
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  holder.once('error', (error) => {
    complaint += error.message;
  });
  for await (const line of createInterface({ input: holder.stdout })) {
    if (line === 'waiting') onWait();
    if (line === 'locked') {
      signal?.removeEventListener('abort', release);
      return release;
    }
  }
  signal?.throwIfAborted();
  throw new TestbedError(
    `can't lock ${file}: ${complaint.trim().split('\n').at(-1) ?? ''}; its folder must be writable, or set XDG_CACHE_HOME to one that is`,
  );
}

/** A folder that is removed when `sweep()` is called or this process ends in whatever way; `keep()` leaves it in place. */
export function sweepAtEnd(python: string, folder: string): { sweep(): Promise<void>; keep(): void } {
  const sweeper = spawn(python, pythonArguments('sweep', folder), {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  sweeper.unref();
  const gone = new Promise<void>((resolve) => {
    sweeper.once('exit', () => resolve());
    sweeper.once('error', () => resolve());
  });
  return {
    async sweep() {
      sweeper.ref();
      sweeper.stdin.end();
      await gone;
    },
    keep() {
      sweeper.stdin.end('keep\n');
    },
  };
}
