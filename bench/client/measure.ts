import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { TestbedError } from '../../test/testbed/errors.ts';
import { spawnGuarded } from '../../test/testbed/guard.ts';
import type { Command } from './clients.ts';
import type { Work } from './workloads.ts';

/** The longest that a client may take for one workload, in milliseconds. */
const LONGEST_MS = 180_000;
/** How often the memory of a client is looked at, in milliseconds. */
const SAMPLE_MS = 10;

// What a client prints when its work is done. The CPU time is that of its own process, in user and system mode, all
// threads, as the kernel counts it.
const report = v.object({
  /** Things in the state CREATE_COMPLETE that it got. */
  read: v.number(),
  /** CPU and wall time of the counted work, without the warm-up before it. */
  cpuMs: v.number(),
  wallMs: v.number(),
  /** CPU time of the process since its start: with start-up, sign-in and warm-up. */
  totalCpuMs: v.number(),
});

/** What one workload cost a client. */
export interface Measurement extends v.InferOutput<typeof report> {
  /** Memory (RSS) when it was signed in and had done nothing yet, in MiB; undefined where the kernel doesn't tell. */
  idleMiB: number | undefined;
  /** The most memory above that during the work, warm-up included. */
  overIdleMiB: number | undefined;
}

/** Server and clients, and how they are started: they end with this process, however it ends. */
export interface Starter {
  python: string;
  signal: AbortSignal;
}

/**
 * Runs a client's program on one workload: it signs in, prints `idle`, waits for a line, works, and prints its report
 * as JSON.
 */
export async function measure(
  { python, signal }: Starter,
  name: string,
  { command, args }: Command,
  authUrl: string,
  work: Work,
): Promise<Measurement> {
  signal.throwIfAborted();
  const child = spawnGuarded(python, command, [...args, authUrl, JSON.stringify(work)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let late = false;
  const patience = setTimeout(() => {
    late = true;
    kill();
  }, LONGEST_MS);
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  const ended = once(child, 'close');
  let memory: MemoryWatch | undefined;
  let last = '';
  try {
    for await (const line of lines(child)) {
      if (line === 'idle') {
        memory = new MemoryWatch(child.pid ?? 0);
        child.stdin?.write('go\n');
      }
      last = line;
    }
    const [code] = (await ended) as [number | null];
    signal.throwIfAborted();
    if (late) throw new TestbedError(`${name} took longer than ${LONGEST_MS / 1000} s for ${work.kind}`);
    if (code !== 0) {
      const why = complaint.trim().split('\n').at(-1) || 'it said nothing';
      throw new TestbedError(`${name} failed at ${work.kind} (code ${code}): ${why}`);
    }
    return {
      ...v.parse(report, JSON.parse(last)),
      idleMiB: memory?.idleMiB,
      overIdleMiB: memory?.overIdleMiB,
    };
  } finally {
    clearTimeout(patience);
    signal.removeEventListener('abort', kill);
    memory?.stop();
    kill();
  }
}

/** Starts the server. @returns Keystone's address, and how to end it. */
export async function startServer(
  { python, signal }: Starter,
  { command, args }: Command,
): Promise<{ authUrl: string; stop(): Promise<void> }> {
  signal.throwIfAborted();
  const child = spawnGuarded(python, command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  for await (const line of lines(child)) return { authUrl: line, stop };
  await stop();
  throw new TestbedError('the server of the benchmark ended at once; what it said is above');
}

function lines({ stdout }: ChildProcess): AsyncIterable<string> {
  if (!stdout) throw new TestbedError('a program has no standard output');
  return createInterface({ input: stdout });
}

/** Looks at the memory of another process, from now until it is stopped; that costs the other nothing. */
class MemoryWatch {
  readonly idleMiB: number | undefined;
  #peakMiB: number;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.idleMiB = residentMiB(pid);
    this.#peakMiB = this.idleMiB ?? 0;
    this.#timer = setInterval(() => {
      this.#peakMiB = Math.max(this.#peakMiB, residentMiB(pid) ?? 0);
    }, SAMPLE_MS);
  }

  get overIdleMiB(): number | undefined {
    return this.idleMiB === undefined ? undefined : this.#peakMiB - this.idleMiB;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function residentMiB(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined; // it has ended, or this isn't Linux
  }
}
