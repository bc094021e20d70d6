import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Command, OperatorProcess } from '../operator/process.ts';

const SOURCE_ADDRESS = fileURLToPath(new URL('./source-address.ts', import.meta.url));

export type ReplicaState = 'runs' | 'paused' | 'ending' | 'ended';

/** One process of the operator, from its start to its end. */
export class Replica {
  readonly name: string;
  /** Where its connections come from. */
  readonly address: string;
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<void>;
  readonly #process: OperatorProcess;
  readonly #logFile: string;
  #state: ReplicaState = 'runs';
  #identity: string | undefined;
  #isWarm = false;
  #isExcused = false;

  /** @param number another one for each */
  constructor(python: string, { command, args, env }: Command, number: number, logFile: string) {
    this.name = `replica ${number}`;
    this.address = `127.0.${1 + (number >> 8)}.${number & 255}`;
    this.#logFile = logFile;
    const own = { BENCH_SOURCE_ADDRESS: this.address };
    this.#process = new OperatorProcess(
      python,
      { command, args: ['--import', SOURCE_ADDRESS, ...args], env: { ...env, ...own } },
      logFile,
    );
    this.ended = this.#process.ended.then(() => {
      this.#state = 'ended';
    });
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Whether its caches are full, so that it can lead at once. */
  get isWarm(): boolean {
    this.#isWarm ||= this.#log().includes('"msg":"started"');
    return this.#isWarm && this.#state === 'runs';
  }

  /** Its name in the Lease; `undefined` when it never held it. */
  get identity(): string | undefined {
    this.#identity ??= /"identity":"([^"]+)","msg":"leading"/.exec(this.#log())?.[1];
    return this.#identity;
  }

  /** The last line of its log, when it ended although nobody ended or paused it. */
  get complaint(): string | undefined {
    if (this.#state !== 'ended' || this.#isExcused) return undefined;
    return this.#log().trimEnd().split('\n').at(-1)?.slice(0, 300);
  }

  kill(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ending';
    this.#isExcused = true;
    this.#process.send('SIGKILL');
  }

  end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ending';
    this.#isExcused = true;
    this.#process.send('SIGTERM');
  }

  pause(): void {
    this.#state = 'paused';
    this.#isExcused = true;
    this.#process.send('SIGSTOP');
  }

  resume(): void {
    if (this.#state === 'paused') this.#state = 'runs';
    this.#process.send('SIGCONT');
  }

  #log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }
}
