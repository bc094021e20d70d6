import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { TestbedError } from '../../test/testbed/errors.ts';
import { spawnGuarded } from '../../test/testbed/guard.ts';

/** A program with its arguments. */
export interface Command {
  command: string;
  args: string[];
  /** On top of this process's environment. */
  env?: Record<string, string>;
}

/** How long an operator may take to stop, in ms; then it is killed. */
const STOP_MS = 30_000;
/** The kernel counts a process's CPU time for others to see in units of this, in ms. */
const TICK_MS = 10;

/** An operator that runs, looked at from outside: that costs it nothing. Needs Linux's /proc. */
export class OperatorProcess {
  readonly #child: ChildProcess;
  readonly #pid: number;
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<void>;
  readonly #logFile: string;

  /** Its output goes to the log file. It ends with this process, however that ends. */
  constructor(python: string, { command, args, env }: Command, logFile: string) {
    const log = openSync(logFile, 'a', 0o600);
    this.#child = spawnGuarded(python, command, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    closeSync(log);
    this.#logFile = logFile;
    this.ended = once(this.#child, 'close').then(
      () => undefined,
      () => undefined,
    );
    if (this.#child.pid === undefined) throw new TestbedError(`can't start ${command}`);
    this.#pid = this.#child.pid;
  }

  /** CPU time in user and system mode of all its threads since it began, and of children that ended, in ms. */
  cpuMs(): number {
    return cpuOf(this.#read('stat'));
  }

  /** The most memory (RSS) that it had at once, in MiB. */
  peakMiB(): number {
    return memoryOf(this.#read('status'), 'VmHWM');
  }

  /** The memory (RSS) that it has, in MiB. */
  residentMiB(): number {
    return memoryOf(this.#read('status'), 'VmRSS');
  }

  /** How many sockets it has open, and how many files, pipes and sockets together. */
  descriptors(): { sockets: number; all: number } {
    // Throws when it has ended.
    this.#read('stat');
    const folder = `/proc/${this.#pid}/fd`;
    const targets = readdirSync(folder).map((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`);
      } catch {
        return undefined; // closed meanwhile
      }
    });
    const open = targets.filter((target) => target !== undefined);
    return { sockets: open.filter((target) => target.startsWith('socket:')).length, all: open.length };
  }

  /** Asks it to stop and waits for that. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    this.#child.kill('SIGTERM');
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(patience);
  }

  /** Sends it a signal, if it still runs. */
  send(signal: NodeJS.Signals): void {
    if (!this.#hasEnded()) this.#child.kill(signal);
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #read(what: string): string {
    try {
      if (!this.#hasEnded()) return readFileSync(`/proc/${this.#pid}/${what}`, 'utf8');
    } catch {
      // said below
    }
    throw new TestbedError(`an operator ended by itself; its log is ${this.#logFile}`);
  }
}

/** CPU time in /proc/PID/stat, in ms. */
export function cpuOf(stat: string): number {
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime, stime, cutime, cstime are the 14th to 17th.
  const ticks = fields.slice(11, 15).map(Number);
  if (ticks.length !== 4 || !ticks.every(Number.isSafeInteger)) {
    throw new TestbedError('/proc tells no CPU time here; this benchmark needs Linux');
  }
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_MS;
}

/** The memory in /proc/PID/status, or the most that it was (`VmHWM`), in MiB. */
export function memoryOf(status: string, field: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kib === undefined) throw new TestbedError('/proc tells no memory here; this benchmark needs Linux');
  return Number(kib) / 1024;
}
