import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { TestbedError } from './errors.ts';
import { spawnGuarded } from './guard.ts';

export interface ToolOptions {
  python: string;
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
  /** All output is appended to this file. */
  logFile: string;
  /** Called with each line of output. */
  onLine?: (line: string) => void;
  /** What to do when it fails; part of the error. */
  cure: string;
  signal?: AbortSignal | undefined;
}

/** Run a build tool to its end. It and all that it started are killed when `signal` aborts. */
export async function runTool(options: ToolOptions): Promise<void> {
  const { python, command, args, logFile, onLine, cure, signal } = options;
  signal?.throwIfAborted();
  const child = spawnGuarded(python, command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  const killGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // it has ended already
    }
  };
  signal?.addEventListener('abort', killGroup, { once: true });
  const log = createWriteStream(logFile, { flags: 'a' });
  log.write(`$ ${[command, ...args].join(' ')}\n`);
  let last = '';
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      if (line.trim()) last = line.trim();
      onLine?.(line);
    });
  }
  try {
    const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal?.throwIfAborted();
    if (code !== 0) {
      throw new TestbedError(
        `${command} ended with ${code === null ? by : `code ${code}`}: ${last.slice(0, 300)} (all of its output: ${logFile}); ${cure}`,
      );
    }
  } finally {
    signal?.removeEventListener('abort', killGroup);
    log.end();
  }
}
