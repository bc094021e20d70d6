import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { messageOf, TestbedError } from './errors.ts';
import { spawnGuarded } from './guard.ts';
import { waitUntil } from './wait-until.ts';

/** How long one question whether a service is ready may take, in milliseconds. */
const ONE_TRY_MS = 30_000;

export interface ServiceOptions {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  /** Standard output and error are appended to this file. */
  logFile: string;
  /** Python that runs the guard. */
  python: string;
  /** Whether the service answers; asked again and again until it does. A rejection counts as "not yet". */
  isReady: (signal: AbortSignal) => Promise<boolean>;
  /** How long that may take, in milliseconds. */
  readyTimeoutMs: number;
  /** Called when the process ends although nobody asked it to. */
  onUnexpectedExit?: ((error: TestbedError) => void) | undefined;
}

/** One server process of the test bed. It can be ended, frozen and started again; its ports and data stay. */
export class Service {
  readonly name: string;
  readonly #options: ServiceOptions;
  #process: ChildProcess | undefined;
  #wanted = false;

  constructor(options: ServiceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Process id, or undefined while the service is down. */
  get pid(): number | undefined {
    return this.running ? this.#process?.pid : undefined;
  }

  get running(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Start the process, unless it runs, and wait until it answers. */
  async start(signal?: AbortSignal): Promise<void> {
    if (!this.running) this.#spawn();
    this.#wanted = false; // until it is ready, its end is an error of start()
    const { isReady, readyTimeoutMs } = this.#options;
    const ready = await waitUntil(
      async () => {
        if (!this.running) throw this.#endError('ended while starting');
        const patience = AbortSignal.timeout(Math.min(readyTimeoutMs, ONE_TRY_MS));
        const asked = signal === undefined ? patience : AbortSignal.any([patience, signal]);
        return isReady(asked).catch(() => false);
      },
      { timeoutMs: readyTimeoutMs, signal },
    );
    if (!ready) throw this.#endError(`didn't answer within ${readyTimeoutMs / 1000} s`);
    this.#wanted = true;
  }

  /** End the process with a signal and wait for its end. SIGKILL unless told; after 60 s SIGKILL anyway. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#wanted = false;
    if (child === undefined || !this.running) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 60_000);
    await ended;
    clearTimeout(patience);
  }

  /** `kill()`, then `start()`. */
  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.kill(signal);
    await this.start();
  }

  /** Freeze the process (SIGSTOP): its port still accepts connections, nothing answers. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  /** Let a frozen process go on (SIGCONT). */
  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  #spawn(): void {
    const { python, command, args, env, logFile, name, onUnexpectedExit } = this.#options;
    const log = openSync(logFile, 'a', 0o600);
    const child = spawnGuarded(python, command, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    closeSync(log);
    child.once('error', () => undefined); // reported as an end by start()
    child.once('exit', () => {
      if (this.#wanted && this.#process === child) onUnexpectedExit?.(this.#endError('ended'));
    });
    if (child.pid === undefined) throw new TestbedError(`can't start ${name}: ${python} doesn't run`);
    this.#process = child;
  }

  #endError(what: string): TestbedError {
    const child = this.#process;
    const how = child?.signalCode ?? (child?.exitCode === null ? '' : `code ${child?.exitCode}`);
    const { name, logFile } = this.#options;
    return new TestbedError(
      `${name} ${what}${how ? ` (${how})` : ''}: ${lastLine(logFile)} (its log: ${logFile})`,
    );
  }
}

/** The last line of a log that isn't empty, cut to 300 characters. */
function lastLine(file: string): string {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return (lines.at(-1) ?? '').slice(0, 300) || 'it logged nothing';
  } catch (error) {
    return messageOf(error);
  }
}
